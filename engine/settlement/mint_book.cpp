#include "engine/settlement/mint_book.h"

#include <algorithm>

namespace manastr::engine {
namespace {

constexpr std::size_t kMostKeysets = 200;
constexpr Millis kLookTimeout{2'000};

const cashu::Keyset* find_keyset(const KnownMint& mint, const cashu::KeysetId& id) {
  const auto found = std::ranges::find(mint.keysets, id, &cashu::Keyset::id);
  return found == mint.keysets.end() ? nullptr : &*found;
}

}  // namespace

Result<std::unique_ptr<MintBook>> MintBook::make(Options options,
                                                 std::shared_ptr<mintclient::Transport> transport) {
  std::unique_ptr<MintBook> book(new MintBook(std::move(options)));
  const mintclient::ClientOptions client{.timeout = book->options_.timeout};
  // Looks are short: one that hangs would hold up the daemon's end.
  const mintclient::ClientOptions look{.timeout = std::min(book->options_.timeout, kLookTimeout)};
  TRY(book->primary_look_, mintclient::MintClient::make(book->options_.primary_url, transport, look));
  TRY(book->primary_client_, mintclient::MintClient::make(book->options_.primary_url, transport, client));
  if (!book->options_.backup_url.empty()) {
    TRY(book->backup_look_, mintclient::MintClient::make(book->options_.backup_url, transport, look));
    TRY(book->backup_client_, mintclient::MintClient::make(book->options_.backup_url, transport, client));
  }
  return book;
}

Result<std::shared_ptr<const KnownMint>> MintBook::ask(mintclient::MintClient& client) {
  TRY(const mintclient::MintInfo info, client.info());
  TRY(const std::vector<cashu::KeysetInfo> keysets, client.keysets());
  auto out = std::make_shared<KnownMint>();
  out->url = client.mint_url();
  if (info.max_array_length) {
    out->max_inputs =
        static_cast<std::size_t>(std::min<std::uint64_t>(*info.max_array_length, match::kMaxProofs));
  }
  if (info.game) {
    out->atomic = info.game->settle;
    out->price_msat = info.game->price_msat;
  }
  const std::shared_ptr<const KnownMint> before = mint(client.mint_url());
  for (const cashu::KeysetInfo& each : keysets) {
    if (std::ranges::find(options_.units, each.unit) == options_.units.end()) continue;
    if (out->keysets.size() == kMostKeysets) break;
    const cashu::Keyset* known = before ? find_keyset(*before, each.id) : nullptr;
    cashu::Keyset keyset;
    if (known != nullptr) {
      keyset = *known;
    } else {
      if (stopping_) return unavailable("stopped");
      TRY(keyset, client.keys(each.id));
    }
    static_cast<cashu::KeysetInfo&>(keyset) = each;
    out->keysets.push_back(std::move(keyset));
  }
  return out;
}

Status MintBook::refresh() {
  auto primary = ask(*primary_look_);
  if (primary) {
    const std::lock_guard lock(mutex_);
    primary_ = *primary;
  }
  if (backup_look_ && !stopping_) {
    auto backup = ask(*backup_look_);
    if (backup) {
      const std::lock_guard lock(mutex_);
      backup_ = *backup;
    }
  }
  if (!primary) return std::unexpected(std::move(primary).error());
  return {};
}

bool MintBook::same_ledger_locked() const {
  if (!primary_ || !backup_ || primary_->keysets.empty()) return false;
  return std::ranges::any_of(primary_->keysets, [&](const cashu::Keyset& each) {
    return find_keyset(*backup_, each.id) != nullptr;
  });
}

std::vector<std::shared_ptr<const KnownMint>> MintBook::mints() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const KnownMint>> out;
  if (primary_) out.push_back(primary_);
  if (backup_ && primary_ && !same_ledger_locked()) out.push_back(backup_);
  return out;
}

std::shared_ptr<const KnownMint> MintBook::mint(const std::string& url) const {
  const std::lock_guard lock(mutex_);
  if (primary_ && primary_->url == url) return primary_;
  if (backup_ && backup_->url == url) return backup_;
  return nullptr;
}

std::optional<cashu::Keyset> MintBook::keyset(const std::string& url, const cashu::KeysetId& id) const {
  const auto known = mint(url);
  const cashu::Keyset* found = known ? find_keyset(*known, id) : nullptr;
  if (found == nullptr) return std::nullopt;
  return *found;
}

std::vector<std::shared_ptr<mintclient::MintClient>> MintBook::doors(const std::string& url) const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<mintclient::MintClient>> out;
  if (primary_client_->mint_url() == url) {
    out.push_back(primary_client_);
    if (backup_client_ && same_ledger_locked()) out.push_back(backup_client_);
  } else if (backup_client_ && backup_client_->mint_url() == url) {
    out.push_back(backup_client_);
    if (same_ledger_locked()) out.push_back(primary_client_);
  }
  return out;
}

}  // namespace manastr::engine
