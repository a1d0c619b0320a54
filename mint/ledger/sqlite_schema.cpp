#include "mint/ledger/sqlite_schema.h"

namespace manastr::mint {
namespace {

constexpr storage::Migration kMigrations[] = {
    {"the ledger", R"sql(
CREATE TABLE keysets(
  number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, unit TEXT NOT NULL, position INTEGER NOT NULL,
  input_fee_ppk INTEGER NOT NULL, denominations INTEGER NOT NULL, active INTEGER NOT NULL,
  final_expiry INTEGER) STRICT;
CREATE TABLE prices(unit TEXT PRIMARY KEY, msat INTEGER NOT NULL) STRICT;

-- A row is a proof that can't be spent any more: state 1 spent, 0 locked by the melt `melt`.
CREATE TABLE proofs(
  y BLOB NOT NULL, keyset INTEGER NOT NULL, amount INTEGER NOT NULL, state INTEGER NOT NULL,
  melt INTEGER, witness TEXT, match BLOB) STRICT;
CREATE UNIQUE INDEX proofs_y ON proofs(y);
CREATE INDEX proofs_locked ON proofs(melt) WHERE state = 0;

-- A row is a B_ that can't be signed again: c_ is null while it is a blank output of a melt under way.
CREATE TABLE signatures(
  b_ BLOB NOT NULL, keyset INTEGER NOT NULL, amount INTEGER NOT NULL, c_ BLOB, e BLOB, s BLOB,
  operation BLOB, melt INTEGER, position INTEGER) STRICT;
CREATE UNIQUE INDEX signatures_b ON signatures(b_);
CREATE INDEX signatures_melt ON signatures(melt) WHERE melt IS NOT NULL;

CREATE TABLE mint_quotes(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment_hash BLOB NOT NULL UNIQUE, request TEXT NOT NULL,
  unit TEXT NOT NULL, amount INTEGER NOT NULL, amount_paid INTEGER NOT NULL, amount_issued INTEGER NOT NULL,
  received_msat INTEGER NOT NULL, invoice_msat INTEGER NOT NULL, pubkey BLOB, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL) STRICT;
CREATE INDEX mint_quotes_unpaid ON mint_quotes(expires_at) WHERE received_msat = 0;

-- state 0 unpaid, 1 pending, 2 paid. An invoice is paid through one quote at most.
CREATE TABLE melt_quotes(
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment_hash BLOB NOT NULL, request TEXT NOT NULL,
  unit TEXT NOT NULL, amount INTEGER NOT NULL, fee_reserve INTEGER NOT NULL, invoice_msat INTEGER NOT NULL,
  names_amount INTEGER NOT NULL, price_msat INTEGER NOT NULL, state INTEGER NOT NULL, created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, inputs INTEGER NOT NULL, input_fee INTEGER NOT NULL, preimage BLOB, operation BLOB,
  paid_msat INTEGER) STRICT;
CREATE UNIQUE INDEX melt_quotes_begun ON melt_quotes(payment_hash) WHERE state > 0;
CREATE INDEX melt_quotes_pending ON melt_quotes(number) WHERE state = 1;

CREATE TABLE authorizations(event BLOB PRIMARY KEY, until INTEGER NOT NULL) STRICT;
CREATE INDEX authorizations_until ON authorizations(until);
CREATE TABLE operations(
  key BLOB PRIMARY KEY, operation BLOB NOT NULL, credit_msat INTEGER NOT NULL) STRICT;
CREATE TABLE match_credits(match BLOB PRIMARY KEY, msat INTEGER NOT NULL) STRICT;
CREATE TABLE verdicts(
  match BLOB PRIMARY KEY, verdict_id BLOB NOT NULL, announcement TEXT NOT NULL, verdict TEXT NOT NULL) STRICT;
CREATE TABLE claims(
  number INTEGER PRIMARY KEY, match BLOB NOT NULL, claim_id BLOB NOT NULL UNIQUE, claim TEXT NOT NULL) STRICT;
CREATE INDEX claims_match ON claims(match);

-- Sums by hour; rows of past hours are never changed.
CREATE TABLE unit_totals(
  unit TEXT NOT NULL, hour INTEGER NOT NULL, issued INTEGER NOT NULL, redeemed INTEGER NOT NULL,
  paid_for INTEGER NOT NULL, claimed INTEGER NOT NULL, PRIMARY KEY(unit, hour)) STRICT;
CREATE TABLE money_totals(
  hour INTEGER PRIMARY KEY, received_msat INTEGER NOT NULL, paid_out_msat INTEGER NOT NULL,
  credit_msat INTEGER NOT NULL) STRICT;
)sql"},
    {"rows of points in the order of their commits", R"sql(
ALTER TABLE proofs RENAME TO old_proofs;
CREATE TABLE proofs(
  number INTEGER PRIMARY KEY, y BLOB NOT NULL, keyset INTEGER NOT NULL, amount INTEGER NOT NULL,
  state INTEGER NOT NULL, melt INTEGER, witness TEXT, match BLOB) STRICT;
INSERT INTO proofs SELECT rowid, y, keyset, amount, state, melt, witness, match FROM old_proofs ORDER BY rowid;
DROP TABLE old_proofs;
CREATE INDEX proofs_locked ON proofs(melt) WHERE state = 0;

ALTER TABLE signatures RENAME TO old_signatures;
CREATE TABLE signatures(
  number INTEGER PRIMARY KEY, b_ BLOB NOT NULL, keyset INTEGER NOT NULL, amount INTEGER NOT NULL, c_ BLOB,
  e BLOB, s BLOB, operation BLOB, melt INTEGER, position INTEGER) STRICT;
INSERT INTO signatures SELECT rowid, b_, keyset, amount, c_, e, s, operation, melt, position
  FROM old_signatures ORDER BY rowid;
DROP TABLE old_signatures;
CREATE INDEX signatures_melt ON signatures(melt) WHERE melt IS NOT NULL;

-- Kept by PointIndex. key: the first 8 bytes of the point's x, mixed with the salt. A row may be missing here as long
-- as its number is above index_reach, and one that is gone may still be here. That a point is in one row only, the
-- ledger sees to.
CREATE TABLE proofs_index(key BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(key, number)) STRICT, WITHOUT ROWID;
CREATE TABLE signatures_index(key BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY(key, number)) STRICT, WITHOUT ROWID;
CREATE TABLE index_reach(of_table TEXT PRIMARY KEY, number INTEGER NOT NULL, salt BLOB NOT NULL) STRICT;
INSERT INTO index_reach VALUES('proofs', 0, randomblob(8)), ('signatures', 0, randomblob(8));
)sql"},
    {"the life of a keyset", R"sql(
-- state: KeysetState. Those that are there already began to live, as far as schedules go, today.
ALTER TABLE keysets ADD COLUMN state INTEGER NOT NULL DEFAULT 0;
ALTER TABLE keysets ADD COLUMN overlap_until INTEGER;
ALTER TABLE keysets ADD COLUMN derivation TEXT NOT NULL DEFAULT 'cdk';
ALTER TABLE keysets ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
UPDATE keysets SET state = CASE active WHEN 0 THEN 2 ELSE 0 END, created_at = unixepoch();
ALTER TABLE keysets DROP COLUMN active;
-- Of each keyset past its final expiry: the spent proofs and the signatures that were forgotten, and their sums. Each row
-- changes in the transactions that delete them. done: all are, and what was outstanding is booked as expired.
CREATE TABLE pruned(
  keyset INTEGER PRIMARY KEY, proofs INTEGER NOT NULL, redeemed INTEGER NOT NULL, signatures INTEGER NOT NULL,
  issued INTEGER NOT NULL, done INTEGER NOT NULL) STRICT;
)sql"},
    {"operators: units at run time, prices with promises, the log of calls", R"sql(
-- terms: of a unit that an operator made, JSON; null: mint.toml has them.
CREATE TABLE units(
  unit TEXT PRIMARY KEY, terms TEXT, cap INTEGER, final_expiry INTEGER, retired_at INTEGER) STRICT;
-- promised_msat: a former, higher price that melt quotes may have until then. Mint quotes made after kept_since are
-- credited in full.
ALTER TABLE prices ADD COLUMN promised_msat INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prices ADD COLUMN promised_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE prices ADD COLUMN kept_since INTEGER NOT NULL DEFAULT 0;
-- One row for each call of an operator, numbers without a gap. answer: of what was done under a key.
CREATE TABLE audit(
  number INTEGER PRIMARY KEY, at INTEGER NOT NULL, admin TEXT NOT NULL, pubkey BLOB NOT NULL, roles TEXT NOT NULL,
  action TEXT NOT NULL, arguments TEXT NOT NULL, status INTEGER NOT NULL, outcome TEXT NOT NULL, event BLOB NOT NULL,
  key BLOB UNIQUE, operation BLOB, answer TEXT) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
)sql"},
    {"totals by keyset, the journal", R"sql(
-- What was committed for entry ENTRY of the journal; once that is written these rows are never changed.
CREATE TABLE keyset_totals(
  keyset INTEGER NOT NULL, entry INTEGER NOT NULL, issued INTEGER NOT NULL, redeemed INTEGER NOT NULL,
  PRIMARY KEY(keyset, entry)) STRICT, WITHOUT ROWID;
INSERT INTO keyset_totals SELECT keyset, 1, sum(issued), sum(redeemed) FROM (
    SELECT keyset, sum(amount) AS issued, 0 AS redeemed FROM signatures WHERE c_ IS NOT NULL GROUP BY keyset
    UNION ALL SELECT keyset, 0, sum(amount) FROM proofs WHERE state = 1 GROUP BY keyset
    UNION ALL SELECT keyset, issued, redeemed FROM pruned) GROUP BY keyset;
ALTER TABLE unit_totals RENAME TO old_unit_totals;
CREATE TABLE unit_totals(
  unit TEXT NOT NULL, entry INTEGER NOT NULL, paid_for INTEGER NOT NULL, claimed INTEGER NOT NULL,
  PRIMARY KEY(unit, entry)) STRICT, WITHOUT ROWID;
INSERT INTO unit_totals SELECT unit, 1, sum(paid_for), sum(claimed) FROM old_unit_totals GROUP BY unit;
ALTER TABLE money_totals RENAME TO old_money_totals;
CREATE TABLE money_totals(
  entry INTEGER PRIMARY KEY, received_msat INTEGER NOT NULL, paid_out_msat INTEGER NOT NULL,
  credit_msat INTEGER NOT NULL, overrun_msat INTEGER NOT NULL) STRICT;
-- What payments have cost beyond their reserve was not kept: it is what is missing today.
INSERT INTO money_totals SELECT 1, received, paid_out, credit, max(0, owed + credit - (received - paid_out)) FROM
  (SELECT sum(received_msat) AS received, sum(paid_out_msat) AS paid_out, sum(credit_msat) AS credit
     FROM old_money_totals),
  (SELECT coalesce(sum((issued - redeemed + paid_for - claimed) * msat), 0) AS owed
     FROM old_unit_totals JOIN prices USING (unit))
  WHERE received IS NOT NULL;
DROP TABLE old_unit_totals;
DROP TABLE old_money_totals;

CREATE TABLE journal(
  chain TEXT NOT NULL, sequence INTEGER NOT NULL, entry TEXT NOT NULL, PRIMARY KEY(chain, sequence)) STRICT,
  WITHOUT ROWID;
CREATE TABLE checkpoints(number INTEGER PRIMARY KEY, text TEXT NOT NULL, signature BLOB NOT NULL) STRICT;
)sql"},
    {"what expired unredeemed", R"sql(
ALTER TABLE keyset_totals ADD COLUMN expired INTEGER NOT NULL DEFAULT 0;
)sql"},
    {"blind authentication tokens", R"sql(
-- A row is a token that is spent: for the request `request` it is good again; while `melt` is under way the row
-- goes if that fails.
CREATE TABLE auth_tokens(
  y BLOB PRIMARY KEY, keyset INTEGER NOT NULL, request BLOB, melt TEXT) STRICT, WITHOUT ROWID;
CREATE INDEX auth_tokens_melt ON auth_tokens(melt) WHERE melt IS NOT NULL;
CREATE TABLE auth_signatures(
  b_ BLOB PRIMARY KEY, keyset INTEGER NOT NULL, c_ BLOB NOT NULL, e BLOB NOT NULL, s BLOB NOT NULL,
  operation BLOB NOT NULL) STRICT, WITHOUT ROWID;
-- What each subject was given in the last hour that it asked.
CREATE TABLE auth_subjects(
  subject BLOB PRIMARY KEY, hour INTEGER NOT NULL, issued INTEGER NOT NULL) STRICT, WITHOUT ROWID;
)sql"},
    {"attempts of melts", "ALTER TABLE melt_quotes ADD COLUMN attempt INTEGER NOT NULL DEFAULT 0;"},
    {"restores and imports", R"sql(
ALTER TABLE keysets ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE TABLE origins(
  number INTEGER PRIMARY KEY, kind TEXT NOT NULL, at INTEGER NOT NULL, detail TEXT NOT NULL,
  settled_at INTEGER) STRICT;
-- Melts that were begun at another mint: only its operator knows what became of them.
CREATE TABLE foreign_melts(quote TEXT PRIMARY KEY) STRICT;
)sql"},
    {"quotes of several methods", R"sql(
-- method 0 bolt11, 1 bolt12. node_key is what the Lightning node knows a quote by: of bolt11 the payment hash, of
-- bolt12 the offer's id, or the key under which an offer is paid once.
ALTER TABLE mint_quotes RENAME COLUMN payment_hash TO node_key;
ALTER TABLE mint_quotes ADD COLUMN method INTEGER NOT NULL DEFAULT 0;
ALTER TABLE melt_quotes RENAME COLUMN payment_hash TO node_key;
ALTER TABLE melt_quotes ADD COLUMN method INTEGER NOT NULL DEFAULT 0;

-- A row is a payment received, credited once to the quote of this id.
CREATE TABLE receipts(
  payment_hash BLOB PRIMARY KEY, quote TEXT NOT NULL, msat INTEGER NOT NULL, credited INTEGER NOT NULL,
  at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO receipts SELECT node_key, id, received_msat, amount_paid, updated_at FROM mint_quotes WHERE received_msat > 0;
DROP INDEX mint_quotes_unpaid;
CREATE INDEX mint_quotes_payable ON mint_quotes(expires_at) WHERE received_msat = 0 OR method = 1;
)sql"},
    {"opening balances", R"sql(
-- What an import has stated of the money that no quote accounts for.
CREATE TABLE openings(
  operation BLOB PRIMARY KEY, received_msat INTEGER NOT NULL, paid_out_msat INTEGER NOT NULL) STRICT;
)sql"},
    {"keysets of blind tokens have records", R"sql(
-- What was the position in the derivation path is keysets.number; rows of before are of none, and kept.
UPDATE auth_tokens SET keyset = 0;
UPDATE auth_signatures SET keyset = 0;
)sql"},
};

}  // namespace

std::span<const storage::Migration> ledger_migrations() { return kMigrations; }

}  // namespace manastr::mint
