#include "mint/keysets/foreign_keys.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "common/crypto/hash.h"

namespace manastr::mint {
namespace {

constexpr std::size_t kMaxSeedBytes = 4'096;

std::string_view path_of(const KeysetRecord& record) {
  const std::size_t colon = record.derivation.find(':');
  return colon == std::string::npos ? std::string_view()
                                    : std::string_view(record.derivation).substr(colon + 1);
}

std::unexpected<Error> no_path(const KeysetRecord& record) {
  return invalid("the ledger's keyset " + record.id.hex() +
                 " has a derivation that is none: " + record.derivation);
}

Result<DenominationKeys> path_keys(const crypto::ExtendedKey& master, const KeysetRecord& record) {
  const auto path = parse_hardened_path(path_of(record));
  if (!path) return no_path(record);
  crypto::ExtendedKey branch = master;
  for (const std::uint32_t index : *path) branch = branch.child(index | crypto::kHardened);
  DenominationKeys out;
  out.reserve(record.denominations);
  for (std::uint32_t i = 0; i < record.denominations; ++i) {
    crypto::ExtendedKey leaf = branch.child(i | crypto::kHardened);
    crypto::PublicKey key = leaf.key.public_key();
    out.push_back({std::move(leaf.key), key});
  }
  return out;
}

Result<DenominationKeys> hashed_keys(std::string_view seed, const KeysetRecord& record) {
  const std::string_view path = path_of(record);
  DenominationKeys out;
  for (std::uint32_t i = 0; i < record.denominations; ++i) {
    const crypto::Secret<32> scalar(
        crypto::sha256({as_bytes(seed), as_bytes(path), as_bytes(std::to_string(i))}));
    auto secret = crypto::SecretKey::parse(scalar.reveal());
    if (!secret) return no_path(record);
    crypto::PublicKey key = secret->public_key();
    out.push_back({*std::move(secret), key});
  }
  return out;
}

std::unexpected<Error> no_seed(const KeysetRecord& record) {
  return invalid("the keys of the imported keyset " + record.id.hex() +
                 " come from the imported seed, which is missing: put the backup of the file imported-seed "
                 "back into the data folder");
}

}  // namespace

std::optional<std::vector<std::uint32_t>> parse_hardened_path(std::string_view path) {
  if (path.starts_with("m/")) path.remove_prefix(2);
  std::vector<std::uint32_t> out;
  while (!path.empty()) {
    std::uint32_t index = 0;
    const auto [end, error] = std::from_chars(path.data(), path.data() + path.size(), index);
    const auto digits = static_cast<std::size_t>(end - path.data());
    if (error != std::errc() || index >= crypto::kHardened || digits == path.size()) return std::nullopt;
    if (path[digits] != '\'' && path[digits] != 'h') return std::nullopt;
    out.push_back(index);
    path.remove_prefix(digits + 1);
    if (path.empty()) return out;
    if (path.front() != '/') return std::nullopt;
    path.remove_prefix(1);
    if (path.empty()) return std::nullopt;
  }
  return std::nullopt;
}

void add_foreign_keys(Derivations& derivations, const crypto::Secret<64>& own_seed,
                      const crypto::SecretText& imported_seed) {
  const auto own =
      std::make_shared<const crypto::ExtendedKey>(crypto::ExtendedKey::master(own_seed.reveal()));
  derivations.add(std::string(kOwnPath),
                  [own](const KeysetRecord& record) { return path_keys(*own, record); });
  derivations.add(std::string(kForeignPath),
                  [imported_seed](const KeysetRecord& record) -> Result<DenominationKeys> {
                    if (imported_seed.empty()) return no_seed(record);
                    return path_keys(crypto::ExtendedKey::master(as_bytes(imported_seed.reveal())), record);
                  });
  derivations.add(std::string(kForeignHash),
                  [imported_seed](const KeysetRecord& record) -> Result<DenominationKeys> {
                    if (imported_seed.empty()) return no_seed(record);
                    return hashed_keys(imported_seed.reveal(), record);
                  });
}

std::string imported_seed_path(const std::string& directory) { return directory + "/imported-seed"; }

Result<Derivations> all_derivations(const crypto::Secret<64>& own_seed, const Configuration& configuration,
                                    const std::string& directory) {
  TRY(const crypto::SecretText imported, load_imported_seed(configuration.keysets.imported_seed, directory));
  Derivations out(own_seed);
  add_foreign_keys(out, own_seed, imported);
  return out;
}

Result<crypto::SecretText> load_imported_seed(const crypto::SecretText& configured,
                                              const std::string& directory) {
  if (!configured.empty()) return configured;
  const std::string path = imported_seed_path(directory);
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return crypto::SecretText();
  if (file < 0) return invalid(path + " can't be opened: " + std::strerror(errno));
  struct stat info{};
  const bool private_file = ::fstat(file, &info) == 0 && S_ISREG(info.st_mode) && (info.st_mode & 077) == 0;
  std::string text(kMaxSeedBytes, '\0');
  const ssize_t got = private_file ? ::read(file, text.data(), text.size()) : -1;
  ::close(file);
  if (!private_file) return invalid(path + " can be read by others; run: chmod 600 " + path);
  if (got <= 0 || static_cast<std::size_t>(got) == kMaxSeedBytes) return invalid(path + " holds no seed");
  text.resize(static_cast<std::size_t>(got));
  if (text.ends_with('\n')) text.pop_back();
  return crypto::SecretText(std::move(text));
}

}  // namespace manastr::mint
