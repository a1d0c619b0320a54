// The power goes at each sync point of the wallet's and of the match book's life: no money is lost, and what
// was written down before it was published is still what will be said.
#include <algorithm>

#include "player/match_book.h"
#include "tests/support/power_loss_vfs.h"
#include "tests/unit/player/wallet_fixture.h"

namespace manastr::player {
namespace {

using storage::Durability;
using storage::OpenOptions;
using test::PowerLossVfs;
using test::TemporaryFolder;
using test::Unsynced;

OpenOptions through(const PowerLossVfs& vfs, Durability durability = Durability::full) {
  OpenOptions options;
  options.vfs = vfs.name();
  options.durability = durability;
  options.wal_autocheckpoint = 16;  // so that checkpoints and the log's restart are among the sync points
  return options;
}

class PlayerPowerLoss : public testing::TestWithParam<Unsynced> {
 protected:
  /// `live(file, options)` with the power lost at each sync point in turn; `damage(file, options)` says what
  /// is wrong with what is left, "" if nothing is.
  template <class Begin, class Live, class Damage>
  void at_each_sync_point(Begin begin, Live live, Damage damage) {
    std::size_t sync = 1;
    for (bool lost = true; lost; ++sync) {
      const TemporaryFolder folder;
      const std::string file = folder.path("player.sqlite");
      vfs.restore();  // counts the syncs anew
      vfs.lose_power_at_sync(sync, GetParam(), static_cast<unsigned>(sync));
      begin();
      live(file, through(vfs));
      lost = vfs.lost();
      vfs.restore();
      ASSERT_EQ(damage(file, through(vfs)), "") << "power lost at sync " << sync;
    }
    EXPECT_GT(sync, std::size_t{10}) << "each commit has its own sync";
  }
  /// The same with nothing synced and the power lost while the file is open.
  template <class Begin, class Live, class Damage>
  void without_syncs(Begin begin, Live live, Damage damage) {
    const TemporaryFolder folder;
    const std::string file = folder.path("player.sqlite");
    begin();
    {
      // The file is still open when the power goes: closing it would write and sync the log.
      auto bystander = must(storage::Database::open(file, through(vfs, Durability::off)));
      live(file, through(vfs, Durability::off));
      vfs.lose_power_now(GetParam(), 7);
    }
    vfs.restore();
    EXPECT_NE(damage(file, through(vfs)), "");
  }

  PowerLossVfs vfs{"player-power-loss"};
};

/// A wallet and what its owner was told.
class WalletLife {
 public:
  void begin() {
    mint_ = std::make_shared<SimulatedMint>();
    mint_->add_keyset("mana", 100);
    mint_->invoices_are_paid = true;
    told_of_quote_ = false;
    token_.reset();
  }
  void live(const std::string& file, const OpenOptions& options) {
    if (auto wallet = open(file, options)) [[maybe_unused]]
      const Status end = live(**wallet);
  }
  std::string damage(const std::string& file, const OpenOptions& options) {
    auto wallet = open(file, options);
    if (!wallet) return "it does not open: " + wallet.error().message;
    if (std::string fault = count(**wallet); !fault.empty()) return fault;
    if (told_of_quote_ && mint_->minted("mana") < 100) return "a quote that was paid is lost";
    if (token_) {
      const auto sent = (*wallet)->sent();
      if (!sent || sent->size() != 1 ||
          !std::ranges::equal(sent->front().proofs, token_->proofs, {}, &cashu::Proof::secret,
                              &cashu::Proof::secret))
        return "a token that was sent is forgotten";
    }
    if (const Status rest = live(**wallet); !rest) return "it does not go on: " + rest.error().message;
    return count(**wallet);
  }

 private:
  Result<std::unique_ptr<Wallet>> open(const std::string& file, const OpenOptions& options) {
    TRY(auto client, mintclient::MintClient::make(SimulatedMint::kUrl, mint_));
    return Wallet::open(file, seed_of(1), client, system_clock(), options);
  }
  /// Labels make a second run go on with the first.
  Status live(Wallet& wallet) {
    TRY(const auto quote, wallet.request_mint("mana", 100));
    told_of_quote_ = true;
    TRY([[maybe_unused]] const auto minted, wallet.mint_paid(quote.id));
    const Lock expired{
        key_of(1).public_key().hex(),
        {{"locktime", "1000"}, {"refund", key_of(1).public_key().hex()}, {"sigflag", "SIG_ALL"}}};
    TRY([[maybe_unused]] const auto stake, wallet.lock("stake", "mana", 20, expired));
    TRY([[maybe_unused]] const auto back, wallet.take_back("stake", [](const Hash32& hash) {
      return std::vector{crypto::sign_schnorr(key_of(1), hash, {})};
    }));
    TRY(const auto melt, wallet.request_melt("lnbc30", "mana"));
    TRY([[maybe_unused]] const auto paid, wallet.melt(melt));
    if (token_) return {};
    TRY(token_, wallet.send("mana", 11));
    return {};
  }
  /// Once everything under way has ended: what the wallet holds is what the mint owes.
  std::string count(Wallet& wallet) {
    const auto resumed = wallet.resume();
    if (!resumed) return resumed.error().message;
    if (!resumed->open.empty()) return "it is not done: " + resumed->open.front();
    Amount held = 0;
    for (const auto& token : must(wallet.sent())) held += cashu::sum_amounts(token.proofs).value();
    for (const Balance& one : must(wallet.balances())) held += one.available + one.under_way + one.locked;
    if (held == mint_->outstanding()) return "";
    return "it holds " + std::to_string(held) + " of " + std::to_string(mint_->outstanding());
  }

  std::shared_ptr<SimulatedMint> mint_;
  bool told_of_quote_ = false;
  std::optional<cashu::Token> token_;
};

/// A match book and what its owner has published in reliance on it.
class BookLife {
 public:
  void begin() { told_ = 0; }
  void live(const std::string& file, const OpenOptions& options) {
    auto book = MatchBook::open(file, options);
    if (!book) return;
    for (const Act& act : acts()) {
      if (!act.write(**book)) return;
      ++told_;
    }
  }
  std::string damage(const std::string& file, const OpenOptions& options) {
    auto book = MatchBook::open(file, options);
    if (!book) return "it does not open: " + book.error().message;
    const std::vector<Act> life = acts();
    for (std::size_t i = 0; i < told_; ++i) {
      if (!life[i].is_there(**book))
        return "act " + std::to_string(i) + " of " + std::to_string(told_) + " is lost";
    }
    // What comes after the one in doubt was never asked for.
    for (std::size_t i = told_ + 1; i < life.size(); ++i) {
      if (life[i].is_there(**book))
        return "act " + std::to_string(i) + " is there, though it was never begun";
    }
    for (std::size_t i = told_; i < life.size(); ++i) {
      if (!life[i].write(**book) || !life[i].is_there(**book)) return "it does not go on from there";
    }
    return "";
  }

 private:
  struct Act {
    std::function<Status(MatchBook&)> write;
    std::function<bool(MatchBook&)> is_there;
  };
  static nostr::Event event(std::uint32_t kind, const std::string& d) {
    return nostr::sign(
        {.created_at = unix_seconds(1'800'000'000), .kind = kind, .tags = {{"d", d}}, .content = "{}"},
        key_of(5), {});
  }
  static std::vector<Act> acts() {
    static const nostr::Event challenge = event(31000, "challenge");
    static const MatchRecord record{
        challenge.id, Role::acceptor, key_of(5).x_only(), challenge, event(31006, "offer"), true, "", {}};
    const match::MatchId id = challenge.id;
    std::vector<Act> out{{[](MatchBook& book) { return book.add(record); },
                          [id](MatchBook& book) {
                            const auto found = book.record(id);
                            return found && *found && (*found)->challenge == challenge;
                          }}};
    for (unsigned round = 1; round <= 3; ++round) {
      const auto unit = static_cast<std::uint8_t>(4 - round);
      out.push_back({[=](MatchBook& book) -> Status {
                       TRY([[maybe_unused]] const auto chosen, book.choose(id, round, unit));
                       return {};
                     },
                     [=](MatchBook& book) {
                       // Another choice of the same round changes nothing.
                       const auto chosen = book.chosen(id, round);
                       return chosen && *chosen && book.choose(id, round, 0).value_or(9) == unit;
                     }});
      const nostr::Event said = event(31003, "move " + std::to_string(round));
      out.push_back({[=](MatchBook& book) { return book.say(id, said); },
                     [=](MatchBook& book) {
                       const auto found = book.said(id, said.kind, said.d());
                       return found && *found && **found == said;
                     }});
      const nostr::Event receipt = event(31006, "receipt " + std::to_string(round));
      out.push_back({[=](MatchBook& book) { return book.add_receipt(id, round, receipt); },
                     [=](MatchBook& book) {
                       const auto found = book.receipts(id);
                       return found && std::ranges::find(*found, receipt) != found->end();
                     }});
    }
    out.push_back({[=](MatchBook& book) { return book.set_locktime(id, unix_seconds(1'900'000'000)); },
                   [=](MatchBook& book) {
                     const auto found = book.record(id);
                     return found && *found && (*found)->locktime == unix_seconds(1'900'000'000);
                   }});
    out.push_back({[=](MatchBook& book) { return book.close(id, "won"); },
                   [=](MatchBook& book) {
                     const auto found = book.record(id);
                     return found && *found && !(*found)->open && (*found)->result == "won";
                   }});
    return out;
  }

  std::size_t told_ = 0;
};

TEST_P(PlayerPowerLoss, NoMoneyOfTheWalletIsLostAtAnySyncPoint) {
  WalletLife life;
  at_each_sync_point([&] { life.begin(); }, [&](const auto&... where) { life.live(where...); },
                     [&](const auto&... where) { return life.damage(where...); });
}

TEST_P(PlayerPowerLoss, TheWalletsLossIsFoundWhereNothingIsSynced) {
  WalletLife life;
  without_syncs([&] { life.begin(); }, [&](const auto&... where) { life.live(where...); },
                [&](const auto&... where) { return life.damage(where...); });
}

TEST_P(PlayerPowerLoss, TheMatchBookKeepsWhatWasSaidAtAnySyncPoint) {
  BookLife life;
  at_each_sync_point([&] { life.begin(); }, [&](const auto&... where) { life.live(where...); },
                     [&](const auto&... where) { return life.damage(where...); });
}

TEST_P(PlayerPowerLoss, TheMatchBooksLossIsFoundWhereNothingIsSynced) {
  BookLife life;
  without_syncs([&] { life.begin(); }, [&](const auto&... where) { life.live(where...); },
                [&](const auto&... where) { return life.damage(where...); });
}

INSTANTIATE_TEST_SUITE_P(Unsynced, PlayerPowerLoss, testing::Values(Unsynced::dropped, Unsynced::torn),
                         [](const auto& each) {
                           return each.param == Unsynced::dropped ? "dropped" : "torn";
                         });

}  // namespace
}  // namespace manastr::player
