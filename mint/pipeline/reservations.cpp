#include "mint/pipeline/reservations.h"

#include <algorithm>
#include <cstring>

#include "common/crypto/hash.h"

namespace manastr::mint {
namespace {

std::uint64_t word_at(const Byte* from) {
  std::uint64_t out = 0;
  std::memcpy(&out, from, sizeof out);
  return out;
}

enum Kind : Byte { kProof = 1, kOutput = 2, kQuote = 3, kOperation = 4 };

Reservations::Key make_key(Kind kind, ByteView bytes) {
  Reservations::Key key{};
  key[0] = kind;
  std::ranges::copy(bytes, key.begin() + 1 + static_cast<std::ptrdiff_t>(key.size() - 1 - bytes.size()));
  return key;
}

Error conflict(const Reservations::Key& key) {
  switch (key[0]) {
    case kProof:
      return {ErrorKind::refused, cashu::kProofsPending, "an input is being spent by another request"};
    case kOutput:
      return {ErrorKind::refused, cashu::kOutputsPending,
              "an output is being signed for another request: use fresh outputs"};
    case kQuote:
      return {ErrorKind::refused, cashu::kQuotePending, "another request for this quote is under way"};
    default:
      return {ErrorKind::refused, cashu::kQuotePending,
              "another request under this operation id is under way"};
  }
}

}  // namespace

Reservations::Reservations(Random& random) : held_(0, SaltedHash{word_at(random.bytes<8>().data())}) {}

std::size_t Reservations::SaltedHash::operator()(const Key& key) const {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15U;
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    __extension__ using Product = unsigned __int128;
    const Product product = Product{a} * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t out = salt ^ key[0] ^ (std::uint64_t{key[1]} << 8);
  for (std::size_t at = 2; at < key.size(); at += 8) {
    out = fold(out ^ word_at(&key[at]), salt | 1) + kOdd;
  }
  return out;
}

Reservations::Key Reservations::of_proof(const cashu::Proof& proof) {
  return make_key(kProof, crypto::sha256(as_bytes(proof.secret)));
}
Reservations::Key Reservations::of_output(const cashu::BlindedMessage& output) {
  return make_key(kOutput, output.b_blinded.bytes());
}
Reservations::Key Reservations::of_quote(std::string_view id) {
  return make_key(kQuote, crypto::sha256(as_bytes(id)));
}
Reservations::Key Reservations::of_operation(const Hash32& key) { return make_key(kOperation, key); }

std::shared_ptr<Flight> Reservations::enter(Request request) {
  std::optional<Error> refusal;
  {
    const std::lock_guard lock(mutex_);
    const auto leader = leaders_.find(request.operation);
    if (leader != leaders_.end()) {
      leader->second.followers.push_back(
          {request.witnesses, std::move(request.answer), std::move(request.again)});
      return nullptr;
    }
    for (const Key& key : request.keys) {
      if (held_.contains(key)) {
        refusal = conflict(key);
        break;
      }
    }
    if (!refusal) {
      held_.insert(request.keys.begin(), request.keys.end());
      leaders_.emplace(request.operation, Leader{});
    }
  }
  if (refusal) {
    request.answer(error_reply(*refusal));
    return nullptr;
  }
  return std::make_shared<Flight>(*this, std::move(request));
}

std::vector<Reservations::Follower> Reservations::leave(const Hash32& operation, std::span<const Key> keys) {
  const std::lock_guard lock(mutex_);
  for (const Key& key : keys) held_.erase(key);
  const auto leader = leaders_.find(operation);
  std::vector<Follower> followers = std::move(leader->second.followers);
  leaders_.erase(leader);
  return followers;
}

std::size_t Reservations::size() const {
  const std::lock_guard lock(mutex_);
  return leaders_.size();
}

Flight::~Flight() {
  if (!finished_) finish(error_reply(500, kOwnFault, "the mint lost this request: send it again"));
}

void Flight::finish(Reply reply) {
  if (std::exchange(finished_, true)) return;
  std::vector<Reservations::Follower> followers = owner_->leave(request_.operation, request_.keys);
  for (Reservations::Follower& follower : followers) {
    if (reply.status == 200 || !follower.again || follower.witnesses == request_.witnesses) {
      follower.answer(reply);
    } else {
      follower.again(std::move(follower.answer));
    }
  }
  request_.answer(std::move(reply));
}

}  // namespace manastr::mint
