// The library limit of a 2-in 2-out swap: 2 × (hash_to_curve, ecdh) + 2 × (parse, 2 ecdh, pubkey_create,
// HMAC, hash_e, 2 tweaks) on libsecp256k1 and OpenSSL alone, and beside it what common/crypto makes of the
// same work. A mint's swaps/s divided by the limit, both measured in one run on one machine, is the figure to
// compare; neither alone is.
//
//   crypto-bound [--threads N] [--seconds S] [--json]
#include <fmt/format.h>
#include <openssl/evp.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>

#include <algorithm>
#include <cstdlib>

#include "common/crypto/bdhke.h"

namespace {

using namespace manastr;
using Steady = std::chrono::steady_clock;

constexpr std::size_t kInputs = 512;  // different secrets and messages a thread goes round
constexpr int kRuns = 3;

void must(bool ok) {
  if (!ok) std::abort();
}

/// One thread's bare tools: its own digest context, the shared curve context.
class Bare {
 public:
  Bare(const secp256k1_context* curve, const EVP_MD* sha256) : curve_(curve), sha256_(sha256) {}
  ~Bare() { EVP_MD_CTX_free(digest_); }
  Bare(const Bare&) = delete;
  Bare& operator=(const Bare&) = delete;

  /// hash_to_curve and ecdh of one input.
  void verify_input(const std::string& secret, const ByteArray<32>& key) {
    static constexpr char kDomain[] = "Secp256k1_HashToCurve_Cashu_";
    ByteArray<36> message{};
    start();
    feed(kDomain, sizeof kDomain - 1);
    feed(secret.data(), secret.size());
    finish(message.data());
    secp256k1_pubkey y;
    ByteArray<33> candidate;
    candidate[0] = 2;
    for (;; ++message[32]) {
      start();
      feed(message.data(), message.size());
      finish(candidate.data() + 1);
      if (secp256k1_ec_pubkey_parse(curve_, &y, candidate.data(), candidate.size()) == 1) break;
    }
    sink_ ^= multiply(key, y)[64];
  }

  /// parse, 2 ecdh, pubkey_create, HMAC, hash_e, 2 tweaks of one output.
  void sign_output(const ByteArray<33>& b_bytes, const ByteArray<32>& key, const ByteArray<65>& a) {
    secp256k1_pubkey b;
    must(secp256k1_ec_pubkey_parse(curve_, &b, b_bytes.data(), b_bytes.size()) == 1);
    const ByteArray<65> c = multiply(key, b);
    const ByteArray<32> r = hmac(key, a, serialize(b), c);
    secp256k1_pubkey r1;
    must(secp256k1_ec_pubkey_create(curve_, &r1, r.data()) == 1);
    const ByteArray<32> e = hash_e(serialize(r1), multiply(r, b), a, c);
    ByteArray<32> s = key;
    must(secp256k1_ec_seckey_tweak_mul(curve_, s.data(), e.data()) == 1);
    must(secp256k1_ec_seckey_tweak_add(curve_, s.data(), r.data()) == 1);
    sink_ ^= s[0];
  }

  Byte sink() const { return sink_; }

 private:
  void start() { must(EVP_DigestInit_ex(digest_, sha256_, nullptr) == 1); }
  void feed(const void* data, std::size_t size) { must(EVP_DigestUpdate(digest_, data, size) == 1); }
  void finish(Byte* out) { must(EVP_DigestFinal_ex(digest_, out, nullptr) == 1); }

  ByteArray<65> multiply(const ByteArray<32>& scalar, const secp256k1_pubkey& point) const {
    ByteArray<65> out;
    const auto keep = [](unsigned char* to, const unsigned char* x, const unsigned char* y, void*) {
      to[0] = 4;
      std::copy(x, x + 32, to + 1);
      std::copy(y, y + 32, to + 33);
      return 1;
    };
    must(secp256k1_ecdh(curve_, out.data(), &point, scalar.data(), keep, nullptr) == 1);
    return out;
  }
  ByteArray<65> serialize(const secp256k1_pubkey& point) const {
    ByteArray<65> out;
    std::size_t size = out.size();
    secp256k1_ec_pubkey_serialize(curve_, out.data(), &size, &point, SECP256K1_EC_UNCOMPRESSED);
    return out;
  }
  ByteArray<32> hmac(const ByteArray<32>& key, const ByteArray<65>& a, const ByteArray<65>& b,
                     const ByteArray<65>& c) {
    ByteArray<64> pad{};
    std::copy(key.begin(), key.end(), pad.begin());
    for (Byte& byte : pad) byte ^= 0x36;
    ByteArray<32> out;
    const Byte counter = 0;
    start();
    feed(pad.data(), pad.size());
    feed("Cashu_DLEQ_R_v1", 15);
    for (const auto* point : {&a, &b, &c}) feed(point->data(), point->size());
    feed(&counter, 1);
    finish(out.data());
    for (Byte& byte : pad) byte ^= 0x36 ^ 0x5c;
    start();
    feed(pad.data(), pad.size());
    feed(out.data(), out.size());
    finish(out.data());
    return out;
  }
  ByteArray<32> hash_e(const ByteArray<65>& r1, const ByteArray<65>& r2, const ByteArray<65>& a,
                       const ByteArray<65>& c) {
    static constexpr char kDigits[] = "0123456789abcdef";
    ByteArray<520> text;
    std::size_t at = 0;
    for (const auto* point : {&r1, &r2, &a, &c}) {
      for (const Byte byte : *point) {
        text[at++] = static_cast<Byte>(kDigits[byte >> 4]);
        text[at++] = static_cast<Byte>(kDigits[byte & 15]);
      }
    }
    ByteArray<32> out;
    start();
    feed(text.data(), text.size());
    finish(out.data());
    return out;
  }

  const secp256k1_context* curve_;
  const EVP_MD* sha256_;
  EVP_MD_CTX* digest_ = EVP_MD_CTX_new();
  Byte sink_ = 0;
};

/// Secrets with their signatures and blinded messages with one mint key, made beforehand.
struct Work {
  crypto::SecretKey key = crypto::SecretKey::generate(system_random());
  crypto::PublicKey key_public = key.public_key();
  std::vector<std::string> secrets;
  std::vector<ByteArray<33>> signatures;
  std::vector<ByteArray<33>> messages;
  ByteArray<65> key_public_bytes;

  explicit Work(const secp256k1_context* curve) {
    for (std::size_t i = 0; i < kInputs; ++i) {
      secrets.push_back(to_hex(system_random().bytes<32>()));
      const auto y = crypto::hash_to_curve(as_bytes(secrets.back()));
      const auto r = crypto::SecretKey::generate(system_random());
      const auto b = crypto::blind(y, r);
      messages.push_back(b.bytes());
      const auto c = crypto::sign_blinded(key, key_public, b).c_blinded;
      signatures.push_back(crypto::unblind(c, r, key_public)->bytes());
    }
    secp256k1_pubkey a;
    must(secp256k1_ec_pubkey_parse(curve, &a, key_public.bytes().data(), 33) == 1);
    std::size_t size = key_public_bytes.size();
    secp256k1_ec_pubkey_serialize(curve, key_public_bytes.data(), &size, &a, SECP256K1_EC_UNCOMPRESSED);
  }
};

/// Runs `make()`'s swap function on every thread for that long; swaps/s of all together.
template <class Make>
double measure(unsigned threads, double seconds, Make make) {
  std::atomic<bool> go = false;
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> total = 0;
  std::vector<std::jthread> workers;
  for (unsigned t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      auto swap = make();
      go.wait(false);
      std::uint64_t done = 0;
      for (std::size_t i = t * 37; !stop.load(std::memory_order_relaxed); i += 2, ++done)
        swap(i % (kInputs - 1));
      total += done;
    });
  }
  const auto started = Steady::now();
  go = true;
  go.notify_all();
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  stop = true;
  workers.clear();
  return static_cast<double>(total) / std::chrono::duration<double>(Steady::now() - started).count();
}

double median(std::array<double, kRuns> values) {
  std::sort(values.begin(), values.end());
  return values[kRuns / 2];
}

}  // namespace

int main(int argc, char** argv) {
  unsigned threads = std::max(1U, std::thread::hardware_concurrency());
  double seconds = 2;
  bool json = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--json") {
      json = true;
    } else if (option == "--threads" && i + 1 < argc) {
      threads = static_cast<unsigned>(std::clamp(std::atoi(argv[++i]), 1, 1024));
    } else if (option == "--seconds" && i + 1 < argc) {
      seconds = std::clamp(std::atof(argv[++i]), 0.1, 600.0);
    } else {
      fmt::print(stderr, "usage: crypto-bound [--threads N] [--seconds S] [--json]\n");
      return 2;
    }
  }

  secp256k1_context* curve = secp256k1_context_create(SECP256K1_CONTEXT_SIGN | SECP256K1_CONTEXT_VERIFY);
  const auto seed = system_random().bytes<32>();
  must(secp256k1_context_randomize(curve, seed.data()) == 1);
  EVP_MD* sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  must(sha256 != nullptr);
  const Work work(curve);

  const auto bare = [&] {
    return [&work, tools = std::make_unique<Bare>(curve, sha256)](std::size_t at) {
      for (const std::size_t i : {at, at + 1}) tools->verify_input(work.secrets[i], work.key.reveal());
      for (const std::size_t i : {at, at + 1}) {
        tools->sign_output(work.messages[i], work.key.reveal(), work.key_public_bytes);
      }
    };
  };
  const auto ours = [&] {
    return [&work](std::size_t at) {
      for (const std::size_t i : {at, at + 1}) {
        const auto y = crypto::hash_to_curve(as_bytes(work.secrets[i]));
        must(crypto::verify_unblinded(work.key, y, work.signatures[i]));
      }
      for (const std::size_t i : {at, at + 1}) {
        const auto b = crypto::PublicKey::parse(work.messages[i]);
        must(b.has_value());
        must(crypto::sign_blinded(work.key, work.key_public, *b).dleq.s != ByteArray<32>{});
      }
    };
  };

  std::array<double, kRuns> bare_runs{};
  std::array<double, kRuns> our_runs{};
  for (int run = 0; run < kRuns; ++run) {  // in turn, so that a noisy machine disturbs both alike
    bare_runs[static_cast<std::size_t>(run)] = measure(threads, seconds, bare);
    our_runs[static_cast<std::size_t>(run)] = measure(threads, seconds, ours);
  }
  const double bound = median(bare_runs);
  const double product = median(our_runs);
  if (json) {
    fmt::print(
        R"({{"threads":{},"bound_swaps_per_s":{:.0f},"common_crypto_swaps_per_s":{:.0f},"ratio":{:.3f}}})"
        "\n",
        threads, bound, product, product / bound);
  } else {
    fmt::print("{} threads, 2-in 2-out swaps with DLEQ, median of {} runs of {} s\n", threads, kRuns,
               seconds);
    fmt::print("  library limit   {:8.0f} swaps/s   {:6.1f} us of one core\n", bound, 1e6 * threads / bound);
    fmt::print("  common/crypto   {:8.0f} swaps/s   {:6.1f} us of one core   {:.1f} % of the limit\n",
               product, 1e6 * threads / product, 100 * product / bound);
  }
  secp256k1_context_destroy(curve);
  EVP_MD_free(sha256);
}
