#include "player/keyfile.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/crypto/bip39.h"
#include "common/crypto/hash.h"
#include "common/json/reader.h"
#include "common/nostr/nip49.h"

namespace manastr::player {
namespace {

constexpr std::size_t kMaxFile = 16'384;
constexpr std::uint8_t kMinLogN = 10;
constexpr std::uint8_t kMaxLogN = 22;

/// The box key of the mnemonic: scrypt as NIP-49 uses it (r = 8, p = 1), under a name of its own.
Result<crypto::Secret<32>> box_key(std::string_view passphrase, const ByteArray<16>& salt,
                                   std::uint8_t log_n) {
  if (sodium_init() < 0) return broken("libsodium does not start");
  crypto::Secret<32> stretched;
  const ByteView password = as_bytes(passphrase);
  if (crypto_pwhash_scryptsalsa208sha256_ll(
          password.data(), password.size(), salt.data(), salt.size(), std::uint64_t{1} << log_n, 8, 1,
          stretched.reveal_mutable().data(), stretched.reveal().size()) != 0) {
    return unavailable("there is not enough memory to open the key file");
  }
  return crypto::Secret<32>(crypto::hmac_sha256(stretched.reveal(), {as_bytes("manastr/v1/mnemonic")}));
}

std::string errno_text() { return std::strerror(errno); }

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

Status write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return broken("can't write the key file: " + errno_text());
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Status sync_folder(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || ::fsync(fd.get()) != 0) return broken("can't sync " + folder + ": " + errno_text());
  return {};
}

Result<std::string> read_private_file(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return invalid("can't open the key file " + path + ": " + errno_text());
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return invalid(path + " is no file");
  if ((info.st_mode & 077) != 0) return invalid(path + " can be read by others; run: chmod 600 " + path);
  std::string text(kMaxFile + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return invalid("can't read the key file " + path + ": " + errno_text());
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > kMaxFile) return invalid(path + " is too large for a key file");
  text.resize(size);
  return text;
}

template <std::size_t N>
Result<ByteArray<N>> get_bytes(const json::Value& object, std::string_view key) {
  TRY(const std::string text, json::get_string(object, key, "mnemonic"));
  const auto bytes = array_from_hex<N>(text);
  if (!bytes)
    return invalid("mnemonic." + std::string(key) + ": expected " + std::to_string(2 * N) + " hex digits");
  return *bytes;
}

Result<crypto::SecretText> open_box(const json::Value& sealed, std::string_view passphrase) {
  TRY(const auto log_n, json::get_uint64(sealed, "log_n", "mnemonic"));
  if (log_n < kMinLogN || log_n > kMaxLogN) return invalid("mnemonic.log_n: expected 10 to 22");
  TRY(const auto salt, get_bytes<16>(sealed, "salt"));
  TRY(const auto nonce, get_bytes<crypto_secretbox_NONCEBYTES>(sealed, "nonce"));
  TRY(const std::string box_text, json::get_string(sealed, "box", "mnemonic"));
  const auto box = from_hex(box_text);
  if (!box || box->size() <= crypto_secretbox_MACBYTES) return invalid("mnemonic.box: expected hex digits");
  TRY(const auto key, box_key(passphrase, salt, static_cast<std::uint8_t>(log_n)));
  std::string plain(box->size() - crypto_secretbox_MACBYTES, '\0');
  if (crypto_secretbox_open_easy(reinterpret_cast<Byte*>(plain.data()), box->data(), box->size(),
                                 nonce.data(), key.reveal().data()) != 0) {
    return refused(0, "the passphrase is wrong, or the key file is damaged");
  }
  return crypto::SecretText(std::move(plain));
}

}  // namespace

PlayerKeys generate_player_keys(Random& random) {
  return {crypto::SecretKey::generate(random), crypto::generate_mnemonic(random)};
}

Status write_keyfile(const std::string& path, const PlayerKeys& keys, std::string_view passphrase,
                     Random& random, std::uint8_t log_n) {
  if (log_n < kMinLogN || log_n > kMaxLogN) return invalid("the scrypt cost must be from 10 to 22");
  TRY(const std::string ncryptsec, nostr::nip49_encrypt(keys.nostr_key, passphrase, log_n, random));
  const auto salt = random.bytes<16>();
  const auto nonce = random.bytes<crypto_secretbox_NONCEBYTES>();
  TRY(const auto key, box_key(passphrase, salt, log_n));
  const ByteView mnemonic = as_bytes(keys.mnemonic.reveal());
  Bytes box(mnemonic.size() + crypto_secretbox_MACBYTES);
  crypto_secretbox_easy(box.data(), mnemonic.data(), mnemonic.size(), nonce.data(), key.reveal().data());
  json::Value sealed;
  sealed.set("log_n", std::int64_t{log_n});
  sealed.set("salt", to_hex(salt));
  sealed.set("nonce", to_hex(nonce));
  sealed.set("box", to_hex(box));
  json::Value document;
  document.set("version", 1);
  document.set("pubkey", keys.nostr_key.x_only().hex());
  document.set("ncryptsec", ncryptsec);
  document.set("mnemonic", std::move(sealed));

  // Written beside, then linked: link(2) fails if the name is taken, so no key is ever overwritten.
  const std::string draft = path + ".new";
  ::unlink(draft.c_str());
  {
    const Descriptor fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (fd.get() < 0) return invalid("can't make the key file " + path + ": " + errno_text());
    TRY_STATUS(write_all(fd.get(), document.dump() + "\n"));
    if (::fsync(fd.get()) != 0) return broken("can't sync the key file: " + errno_text());
  }
  const bool linked = ::link(draft.c_str(), path.c_str()) == 0;
  std::string why;
  if (!linked) why = errno == EEXIST ? "it exists already and is never overwritten" : errno_text();
  ::unlink(draft.c_str());
  if (!linked) return invalid("can't make the key file " + path + ": " + why);
  return sync_folder(path);
}

Result<PlayerKeys> read_keyfile(const std::string& path, std::string_view passphrase) {
  TRY(const std::string text, read_private_file(path));
  const auto document = json::parse(text);
  if (!document || !document->is_object()) return invalid(path + " is no key file");
  const auto version = json::get_uint64(*document, "version");
  if (!version || *version != 1) return invalid(path + " is no key file of version 1");
  TRY(const std::string ncryptsec, json::get_string(*document, "ncryptsec"));
  TRY(const json::Value* sealed, json::get_object(*document, "mnemonic"));
  TRY(crypto::SecretText mnemonic, open_box(*sealed, passphrase));
  TRY_STATUS(crypto::check_mnemonic(mnemonic.reveal()));
  auto key = nostr::nip49_decrypt(ncryptsec, passphrase);
  if (!key) return refused(0, "the passphrase is wrong, or the key file is damaged");
  return PlayerKeys{*std::move(key), std::move(mnemonic)};
}

}  // namespace manastr::player
