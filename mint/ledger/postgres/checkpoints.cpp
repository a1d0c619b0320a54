#include "mint/ledger/postgres/checkpoints.h"

namespace manastr::mint {
namespace {

using postgres::Connection;
using postgres::Outcome;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

constexpr Statement kSnapshot{"checkpoint_snapshot", "BEGIN ISOLATION LEVEL REPEATABLE READ"};
constexpr Statement kCommit{"commit", "COMMIT"};
constexpr Statement kRollback{"rollback", "ROLLBACK"};
constexpr Statement kSequence{
    "journal_sequence",
    "SELECT sequence FROM mint.journal WHERE chain = $1::text ORDER BY sequence DESC LIMIT 1"};
constexpr Statement kLast{"last_checkpoint",
                          "SELECT text, signature, extract(epoch FROM now())::int8 FROM mint.checkpoints "
                          "ORDER BY number DESC LIMIT 1"};
constexpr Statement kNow{"epoch", "SELECT extract(epoch FROM now())::int8"};
// From one chain's name to the next, and not over all entries.
constexpr Statement kHeads{
    "journal_heads",
    "WITH RECURSIVE chains(name) AS ((SELECT chain FROM mint.journal ORDER BY chain LIMIT 1) UNION ALL "
    "SELECT "
    "(SELECT j.chain FROM mint.journal j WHERE j.chain > chains.name ORDER BY j.chain LIMIT 1) FROM chains "
    "WHERE chains.name IS NOT NULL) SELECT last.chain, last.sequence, last.entry FROM chains, LATERAL "
    "(SELECT "
    "* FROM mint.journal j WHERE j.chain = chains.name ORDER BY j.sequence DESC LIMIT 1) AS last ORDER BY "
    "last.chain"};
constexpr Statement kBalances{
    "journal_balances",
    "SELECT account, sum(amount)::text FROM mint.totals GROUP BY account HAVING sum(amount) <> 0"};
constexpr Statement kKeysetNames{"keyset_names", "SELECT number, id, unit FROM mint.keysets ORDER BY number"};
constexpr Statement kStore{
    "store_checkpoint",
    "INSERT INTO mint.checkpoints VALUES($1::int8, $2::text, $3::bytea) ON CONFLICT (number) DO NOTHING"};

struct Last {
  std::optional<SignedCheckpoint> stored;
  Checkpoint read;  ///< if there is one
};

Result<Last> last_of(const Rows& rows) {
  Last out;
  if (rows.size() == 0) return out;
  out.stored = SignedCheckpoint{.text = std::string(rows.text(0, 0))};
  TRY(out.stored->signature, rows.array<64>(0, 1));
  TRY(out.read, Checkpoint::parse(out.stored->text));
  return out;
}

Result<bool> make_in_transaction(Connection& connection, const crypto::SecretKey& key, bool at_once) {
  connection.queue(kLast);
  connection.queue(kHeads);
  connection.queue(kBalances);
  connection.queue(kKeysetNames);
  connection.queue(kNow);
  TRY(const std::vector<Rows> rows, connection.run());
  TRY(const Last last, last_of(rows[0]));
  Checkpoint next;
  next.time = unix_seconds(rows[4].integer(0, 0));
  for (std::size_t i = 0; i < rows[1].size(); ++i) {
    next.heads.push_back({std::string(rows[1].text(i, 0)), rows[1].unsigned_integer(i, 1),
                          journal_digest(rows[1].text(i, 2))});
  }
  if (next.heads == last.read.heads) return false;
  // A clock that was set back must not keep checkpoints away.
  const bool recent =
      last.stored && next.time >= last.read.time && next.time - last.read.time < kCheckpointEvery;
  if (recent && !at_once) return false;
  if (last.stored) {
    next.number = last.read.number + 1;
    next.previous = journal_digest(last.stored->text);
  }
  for (std::size_t i = 0; i < rows[2].size(); ++i) {
    const auto amount = wide_from_text(rows[2].text(i, 1));
    if (!amount) return broken("a total of the database is no whole number");
    next.balances.emplace(rows[2].text(i, 0), *amount);
  }
  for (std::size_t i = 0; i < rows[3].size(); ++i) {
    next.keysets.push_back({static_cast<std::uint32_t>(rows[3].integer(i, 0)), to_hex(rows[3].blob(i, 1)),
                            std::string(rows[3].text(i, 2))});
  }
  const auto number = static_cast<std::int64_t>(next.number);
  const SignedCheckpoint made = sign_checkpoint(std::move(next), key);
  TRY(const Rows stored, connection.ask(kStore, Parameters().add(number).add(made.text).add(made.signature)));
  return stored.affected() == 1;
}

}  // namespace

Outcome<Standing> read_standing(Connection& connection, const std::string& chain) {
  connection.queue(kSequence, Parameters().add(chain));
  connection.queue(kLast);
  auto rows = connection.run();
  if (!rows) return std::unexpected(rows.error());
  Standing out;
  if (rows->at(0).size() > 0) out.sequence = (*rows)[0].unsigned_integer(0, 0);
  if (const auto last = last_of(rows->at(1)); last && last->stored) {
    out.checkpoint = last->stored;
    out.checkpoint_at = last->read.time;
  }
  return out;
}

Result<bool> make_checkpoint(Connection& connection, const crypto::SecretKey& key, bool at_once) {
  TRY_STATUS(connection.ask(kSnapshot));
  const Result<bool> made = make_in_transaction(connection, key, at_once);
  if (!connection.usable()) return made;
  if (!made || !*made) {
    TRY_STATUS(connection.ask(kRollback));
    // Two mints made it at once: the other's is there.
    return made && *made;
  }
  TRY_STATUS(connection.ask(kCommit));
  return true;
}

}  // namespace manastr::mint
