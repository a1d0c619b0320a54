#include "mint/ledger/postgres/schema.h"

#include <span>

namespace manastr::mint {
namespace {

using postgres::Connection;
using postgres::Statement;

struct Migration {
  const char* what;
  const char* script;
};

// Every row on the way of a request is keyed by Y, B_, the id of a quote, a hash or another random value, so
// that the tables can be split by them; what a client wrote is bytea, for which no encoding is wrong. No
// sequence, no foreign key, no row that all transactions touch.
constexpr Migration kMigrations[] = {
    {"the ledger", R"sql(
CREATE TABLE mint.keysets(
  number int4 PRIMARY KEY, id bytea NOT NULL UNIQUE, unit text NOT NULL, position int4 NOT NULL,
  input_fee_ppk int8 NOT NULL, denominations int4 NOT NULL, active bool NOT NULL, final_expiry int8);
CREATE TABLE mint.prices(unit text PRIMARY KEY, msat int8 NOT NULL);

-- A row is a proof that can't be spent any more: state 1 spent, 0 locked by the melt quote `melt`.
CREATE TABLE mint.proofs(
  amount int8 NOT NULL, keyset int4 NOT NULL, state int2 NOT NULL, y bytea PRIMARY KEY, melt bytea, witness bytea,
  match bytea);
CREATE INDEX proofs_locked ON mint.proofs(melt) WHERE state = 0;

-- A row is a B_ that can't be signed again: c_ is null while it is a blank output of a melt under way.
CREATE TABLE mint.signatures(
  amount int8 NOT NULL, keyset int4 NOT NULL, position int4, b_ bytea PRIMARY KEY, c_ bytea, e bytea, s bytea,
  operation bytea, melt bytea);
CREATE INDEX signatures_melt ON mint.signatures(melt) WHERE melt IS NOT NULL;

CREATE TABLE mint.mint_quotes(
  id bytea PRIMARY KEY, payment_hash bytea NOT NULL UNIQUE, request text NOT NULL, unit text NOT NULL,
  amount int8 NOT NULL, amount_paid int8 NOT NULL, amount_issued int8 NOT NULL, received_msat int8 NOT NULL,
  invoice_msat int8 NOT NULL, pubkey bytea, created_at int8 NOT NULL, expires_at int8 NOT NULL,
  updated_at int8 NOT NULL);
CREATE INDEX mint_quotes_unpaid ON mint.mint_quotes(expires_at) WHERE received_msat = 0;

-- state 0 unpaid, 1 pending, 2 paid.
CREATE TABLE mint.melt_quotes(
  id bytea PRIMARY KEY, payment_hash bytea NOT NULL, request text NOT NULL, unit text NOT NULL,
  amount int8 NOT NULL, fee_reserve int8 NOT NULL, invoice_msat int8 NOT NULL, names_amount bool NOT NULL,
  price_msat int8 NOT NULL, state int2 NOT NULL, created_at int8 NOT NULL, expires_at int8 NOT NULL,
  inputs int8 NOT NULL, input_fee int8 NOT NULL, preimage bytea, operation bytea, paid_msat int8);

-- A row is an invoice that is under way (1) or paid (2), through one quote: its key is the lock. While it is
-- under way `holder` looks after it; another mint may take over what `lease` has run out for.
CREATE TABLE mint.payments(
  payment_hash bytea PRIMARY KEY, quote bytea NOT NULL, state int2 NOT NULL, holder text NOT NULL,
  node text NOT NULL, lease timestamptz NOT NULL);
CREATE INDEX payments_pending ON mint.payments(holder) WHERE state = 1;

CREATE TABLE mint.authorizations(event bytea PRIMARY KEY, until int8 NOT NULL);
CREATE INDEX authorizations_until ON mint.authorizations(until);
CREATE TABLE mint.operations(key bytea PRIMARY KEY, operation bytea NOT NULL, credit_msat int8 NOT NULL);
CREATE TABLE mint.match_credits(match bytea PRIMARY KEY, msat int8 NOT NULL);
CREATE TABLE mint.verdicts(
  match bytea PRIMARY KEY, verdict_id bytea NOT NULL, announcement bytea NOT NULL, verdict bytea NOT NULL);
CREATE TABLE mint.claims(
  claim_id bytea PRIMARY KEY, match bytea NOT NULL, claim bytea NOT NULL,
  at timestamptz NOT NULL DEFAULT clock_timestamp());
CREATE INDEX claims_match ON mint.claims(match);

-- One row for each commit: that it is there says that the commit was made, and it holds what the commit added
-- to the totals. Append-only, but for the mark that a row is in `totals` too.
CREATE TABLE mint.commits(
  id bytea PRIMARY KEY, replica text NOT NULL, at timestamptz NOT NULL DEFAULT now(),
  folded bool NOT NULL DEFAULT false, accounts text[] NOT NULL, amounts int8[] NOT NULL)
  WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX commits_unfolded ON mint.commits(at) WHERE NOT folded;
CREATE INDEX commits_folded ON mint.commits(at) WHERE folded;
-- Sums of those rows by day, of each replica.
CREATE TABLE mint.totals(
  replica text NOT NULL, account text NOT NULL, day date NOT NULL, amount numeric NOT NULL,
  PRIMARY KEY(replica, account, day));
-- The process that is a replica at present.
CREATE TABLE mint.replicas(name text PRIMARY KEY, incarnation bytea NOT NULL, seen timestamptz NOT NULL);

-- What a failed payment held goes back: locked proofs and reserved outputs alone, never what is spent or signed.
CREATE FUNCTION mint.release_melt(released bytea) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE mint.melt_quotes SET state = 0, inputs = 0, input_fee = 0, operation = NULL WHERE id = released AND state = 1;
  IF NOT FOUND THEN RETURN; END IF;
  DELETE FROM mint.proofs WHERE melt = released AND state = 0;
  DELETE FROM mint.signatures WHERE melt = released AND c_ IS NULL;
  DELETE FROM mint.payments WHERE quote = released AND state = 1
    AND payment_hash = (SELECT payment_hash FROM mint.melt_quotes WHERE id = released);
END $$;
-- Blank outputs that a payment left unsigned.
CREATE FUNCTION mint.drop_blanks(paid bytea) RETURNS void LANGUAGE sql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM mint.signatures WHERE melt = paid AND c_ IS NULL $$;
-- Sums up what was committed lately; one at a time, others go on.
CREATE FUNCTION mint.fold_commits() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT pg_try_advisory_xact_lock(5570193308277399042) THEN RETURN; END IF;
  WITH lately AS (
    UPDATE mint.commits SET folded = true WHERE NOT folded AND at < now() - interval '5 seconds'
      RETURNING replica, at, accounts, amounts)
  INSERT INTO mint.totals
    SELECT replica, account, (at AT TIME ZONE 'UTC')::date, sum(amount)
      FROM lately, unnest(accounts, amounts) AS each(account, amount) GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT ON CONSTRAINT totals_pkey DO UPDATE SET amount = totals.amount + excluded.amount;
END $$;
-- Forgets what nobody needs any more.
CREATE FUNCTION mint.forget() RETURNS void LANGUAGE sql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM mint.commits WHERE folded AND at < now() - interval '3 days';
  DELETE FROM mint.authorizations WHERE until < extract(epoch FROM now())::int8 - 3600 $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mint FROM PUBLIC;
)sql"},
    {"the life of a keyset", R"sql(
-- state: KeysetState. Those that are there already began to live, as far as schedules go, today.
ALTER TABLE mint.keysets ADD COLUMN state int2 NOT NULL DEFAULT 0, ADD COLUMN overlap_until int8,
  ADD COLUMN derivation text NOT NULL DEFAULT 'cdk', ADD COLUMN created_at int8 NOT NULL DEFAULT 0;
UPDATE mint.keysets SET state = CASE WHEN active THEN 0 ELSE 2 END, created_at = extract(epoch FROM now())::int8;
ALTER TABLE mint.keysets DROP COLUMN active;
-- Of each keyset past its final expiry: the spent proofs and the signatures that were forgotten, and their sums. Each row
-- changes in the transactions that delete them. done: all are, and what was outstanding is booked as expired.
CREATE TABLE mint.pruned(
  keyset int4 PRIMARY KEY, proofs int8 NOT NULL, redeemed numeric NOT NULL, signatures int8 NOT NULL,
  issued numeric NOT NULL, done bool NOT NULL);
)sql"},
    {"operators: units at run time, prices with promises, the log of calls", R"sql(
-- terms: of a unit that an operator made, JSON; null: mint.toml has them. Who issues a unit with a cap locks its row.
CREATE TABLE mint.units(unit text PRIMARY KEY, terms text, cap int8, final_expiry int8, retired_at int8);
-- promised_msat: a former, higher price that melt quotes may have until then. Mint quotes made after kept_since are
-- credited in full.
ALTER TABLE mint.prices ADD COLUMN promised_msat int8 NOT NULL DEFAULT 0,
  ADD COLUMN promised_until int8 NOT NULL DEFAULT 0, ADD COLUMN kept_since int8 NOT NULL DEFAULT 0;
-- One row for each call of an operator, numbers without a gap: they are given under a lock. What admins wrote is bytea,
-- for which no encoding is wrong. answer: of what was done under a key.
CREATE TABLE mint.audit(
  number int8 PRIMARY KEY, at int8 NOT NULL, admin bytea NOT NULL, pubkey bytea NOT NULL, roles text NOT NULL,
  action text NOT NULL, arguments bytea NOT NULL, status int8 NOT NULL, outcome bytea NOT NULL, event bytea NOT NULL,
  key bytea UNIQUE, operation bytea, answer bytea);
)sql"},
    {"the journal", R"sql(
CREATE TABLE mint.journal(
  chain text COLLATE "C" NOT NULL, sequence int8 NOT NULL, entry text NOT NULL, PRIMARY KEY(chain, sequence));
CREATE TABLE mint.checkpoints(number int8 PRIMARY KEY, text text NOT NULL, signature bytea NOT NULL);

-- The lines of an entry, as docs/journal.md has them.
CREATE FUNCTION mint.append_entry(to_chain text, changes text) RETURNS void LANGUAGE sql
  SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO mint.journal
    SELECT to_chain, coalesce(last.sequence, 0) + 1,
           E'manastr-journal 1\nchain ' || to_chain || E'\nsequence ' || coalesce(last.sequence, 0) + 1
             || E'\ntime ' || floor(extract(epoch FROM now()))::int8 || E'\nprevious '
             || coalesce(encode(sha256(convert_to(last.entry, 'UTF8')), 'hex'), repeat('0', 64)) || E'\n' || changes
      FROM (SELECT 1) AS one LEFT JOIN LATERAL
        (SELECT sequence, entry FROM mint.journal WHERE chain = to_chain ORDER BY sequence DESC LIMIT 1) AS last
        ON true $$;
-- Sums up what was committed lately, into the totals and into an entry of each replica's chain; one at a time,
-- others go on.
DROP FUNCTION mint.fold_commits();
CREATE FUNCTION mint.fold_commits(older interval) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  news record;
BEGIN
  IF NOT pg_try_advisory_xact_lock(5570193308277399042) THEN RETURN; END IF;
  FOR news IN
    WITH lately AS (
      UPDATE mint.commits SET folded = true WHERE NOT folded AND at <= now() - older
        RETURNING replica, at, accounts, amounts),
    sums AS (
      SELECT replica, account, (at AT TIME ZONE 'UTC')::date AS day, sum(amount) AS amount
        FROM lately, unnest(accounts, amounts) AS each(account, amount) GROUP BY 1, 2, 3),
    kept AS (
      INSERT INTO mint.totals SELECT replica, account, day, amount FROM sums ORDER BY 1, 2, 3
        ON CONFLICT ON CONSTRAINT totals_pkey DO UPDATE SET amount = totals.amount + excluded.amount),
    changes AS (SELECT replica, account, sum(amount) AS amount FROM sums GROUP BY 1, 2 HAVING sum(amount) <> 0)
    SELECT replica, string_agg('change ' || account || CASE WHEN amount > 0 THEN ' +' ELSE ' ' END || amount
                                 || E'\n', '' ORDER BY account COLLATE "C") AS lines
      FROM changes GROUP BY replica ORDER BY replica
  LOOP
    PERFORM mint.append_entry(news.replica, news.lines);
  END LOOP;
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA mint FROM PUBLIC;
-- What was before the journal.
DO $$ BEGIN
  PERFORM mint.append_entry(replica, lines) FROM (
    SELECT replica, string_agg('change ' || account || CASE WHEN amount > 0 THEN ' +' ELSE ' ' END || amount
                                 || E'\n', '' ORDER BY account COLLATE "C") AS lines
      FROM (SELECT replica, account, sum(amount) AS amount FROM mint.totals GROUP BY 1, 2
              HAVING sum(amount) <> 0) AS each
      GROUP BY replica) AS opening;
END $$;
)sql"},
    {"keysets are forgotten", R"sql(
ALTER TABLE mint.pruned ADD COLUMN since timestamptz NOT NULL DEFAULT now();
-- Forgets what was spent (or signed) of a keyset, among the next `most` rows behind `behind`. Never what belongs to a
-- payment under way (held), and only if the keyset is marked and past its final expiry by this server's clock too.
-- waits: another mint is at it, or statements that began before the mark may still run.
CREATE FUNCTION mint.prune(of_keyset int4, of_signatures bool, behind bytea, most int4,
    OUT reached bytea, OUT gone int8, OUT held bool, OUT waits bool)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE last bytea; total numeric;
BEGIN
  gone := 0; held := false; waits := false;
  IF NOT EXISTS (SELECT FROM mint.keysets WHERE number = of_keyset AND state = 3
      AND final_expiry < extract(epoch FROM now())::int8) THEN
    RAISE EXCEPTION 'keyset % is not past its final expiry', of_keyset;
  END IF;
  INSERT INTO mint.pruned(keyset, proofs, redeemed, signatures, issued, done)
    VALUES(of_keyset, 0, 0, 0, 0, false) ON CONFLICT (keyset) DO NOTHING;
  PERFORM FROM mint.pruned WHERE keyset = of_keyset AND NOT done AND since < now() - interval '40 seconds'
    FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN reached := behind; waits := true; RETURN; END IF;
  IF of_signatures THEN
    SELECT b_ INTO reached FROM mint.signatures WHERE b_ > behind ORDER BY b_ OFFSET most - 1 LIMIT 1;
    last := coalesce(reached, '\xff');
    WITH forgotten AS (DELETE FROM mint.signatures WHERE b_ > behind AND b_ <= last AND keyset = of_keyset
      AND c_ IS NOT NULL RETURNING amount) SELECT count(*), coalesce(sum(amount), 0) INTO gone, total FROM forgotten;
    held := EXISTS (SELECT FROM mint.signatures WHERE b_ > behind AND b_ <= last AND keyset = of_keyset);
    UPDATE mint.pruned SET signatures = signatures + gone, issued = issued + total WHERE keyset = of_keyset AND gone > 0;
  ELSE
    SELECT y INTO reached FROM mint.proofs WHERE y > behind ORDER BY y OFFSET most - 1 LIMIT 1;
    last := coalesce(reached, '\xff');
    WITH forgotten AS (DELETE FROM mint.proofs WHERE y > behind AND y <= last AND keyset = of_keyset
      AND state = 1 RETURNING amount) SELECT count(*), coalesce(sum(amount), 0) INTO gone, total FROM forgotten;
    held := EXISTS (SELECT FROM mint.proofs WHERE y > behind AND y <= last AND keyset = of_keyset);
    UPDATE mint.pruned SET proofs = proofs + gone, redeemed = redeemed + total WHERE keyset = of_keyset AND gone > 0;
  END IF;
END $$;
REVOKE ALL ON FUNCTION mint.prune FROM PUBLIC;
)sql"},
    {"blind authentication tokens", R"sql(
-- A row is a token that is spent: for the request `request` it is good again; while `melt` is under way the row
-- goes if that fails.
CREATE TABLE mint.auth_tokens(y bytea PRIMARY KEY, keyset int4 NOT NULL, request bytea, melt bytea);
CREATE INDEX auth_tokens_melt ON mint.auth_tokens(melt) WHERE melt IS NOT NULL;
CREATE TABLE mint.auth_signatures(
  b_ bytea PRIMARY KEY, keyset int4 NOT NULL, c_ bytea NOT NULL, e bytea NOT NULL, s bytea NOT NULL,
  operation bytea NOT NULL);
-- What each subject was given in the last hour that it asked.
CREATE TABLE mint.auth_subjects(subject bytea PRIMARY KEY, hour int8 NOT NULL, issued int8 NOT NULL);
-- The token of a melt that failed.
CREATE FUNCTION mint.release_token(released bytea) RETURNS void LANGUAGE sql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM mint.auth_tokens WHERE melt = released
    AND (SELECT state FROM mint.melt_quotes WHERE id = released) = 0 $$;
REVOKE ALL ON FUNCTION mint.release_token FROM PUBLIC;
)sql"},
    {"attempts of melts", R"sql(
ALTER TABLE mint.melt_quotes ADD COLUMN attempt int8 NOT NULL DEFAULT 0;
-- Of this attempt alone: what a later one has locked stays.
DROP FUNCTION mint.release_melt(bytea);
CREATE FUNCTION mint.release_melt(released bytea, of_attempt int8) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE mint.melt_quotes SET state = 0, inputs = 0, input_fee = 0, operation = NULL
    WHERE id = released AND state = 1 AND attempt = of_attempt;
  IF NOT FOUND THEN RETURN; END IF;
  DELETE FROM mint.proofs WHERE melt = released AND state = 0;
  DELETE FROM mint.signatures WHERE melt = released AND c_ IS NULL;
  DELETE FROM mint.payments WHERE quote = released AND state = 1
    AND payment_hash = (SELECT payment_hash FROM mint.melt_quotes WHERE id = released);
END $$;
REVOKE ALL ON FUNCTION mint.release_melt(bytea, int8) FROM PUBLIC;
)sql"},
    {"restores and imports", R"sql(
ALTER TABLE mint.keysets ADD COLUMN held bool NOT NULL DEFAULT false;
CREATE TABLE mint.origins(
  at int8 NOT NULL, kind text NOT NULL, detail text NOT NULL, settled_at int8, PRIMARY KEY(at, kind));
)sql"},
    {"quotes of several methods", R"sql(
-- method 0 bolt11, 1 bolt12. node_key is what the Lightning node knows a quote by: of bolt11 the payment hash, of
-- bolt12 the offer's id, or the key under which an offer is paid once.
ALTER TABLE mint.mint_quotes RENAME COLUMN payment_hash TO node_key;
ALTER TABLE mint.mint_quotes ADD COLUMN method int2 NOT NULL DEFAULT 0;
ALTER TABLE mint.melt_quotes RENAME COLUMN payment_hash TO node_key;
ALTER TABLE mint.melt_quotes ADD COLUMN method int2 NOT NULL DEFAULT 0;
ALTER TABLE mint.payments RENAME COLUMN payment_hash TO node_key;

-- A row is a payment received, credited once to the quote of this id.
CREATE TABLE mint.receipts(
  payment_hash bytea PRIMARY KEY, quote bytea NOT NULL, msat int8 NOT NULL, credited int8 NOT NULL,
  at int8 NOT NULL);
INSERT INTO mint.receipts SELECT node_key, id, received_msat, amount_paid, updated_at FROM mint.mint_quotes
  WHERE received_msat > 0;
DROP INDEX mint.mint_quotes_unpaid;
CREATE INDEX mint_quotes_payable ON mint.mint_quotes(expires_at) WHERE received_msat = 0 OR method = 1;

CREATE OR REPLACE FUNCTION mint.release_melt(released bytea, of_attempt int8) RETURNS void LANGUAGE plpgsql
  SECURITY DEFINER
  SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  UPDATE mint.melt_quotes SET state = 0, inputs = 0, input_fee = 0, operation = NULL
    WHERE id = released AND state = 1 AND attempt = of_attempt;
  IF NOT FOUND THEN RETURN; END IF;
  DELETE FROM mint.proofs WHERE melt = released AND state = 0;
  DELETE FROM mint.signatures WHERE melt = released AND c_ IS NULL;
  DELETE FROM mint.payments WHERE quote = released AND state = 1
    AND node_key = (SELECT node_key FROM mint.melt_quotes WHERE id = released);
END $$;
)sql"},
    {"opening balances", R"sql(
-- What an import has stated of the money that no quote accounts for.
CREATE TABLE mint.openings(operation bytea PRIMARY KEY, received_msat int8 NOT NULL, paid_out_msat int8 NOT NULL);
)sql"},
    {"a keyset is not marked before its time", R"sql(
-- The mark ends its ecash at every mint for good, so no mint's clock alone sets it: by this server's clock too the
-- keyset is past its final expiry. Of what was marked too early nothing has been forgotten (mint.prune).
UPDATE mint.keysets SET state = 2
  WHERE state = 3 AND NOT coalesce(final_expiry < extract(epoch FROM now())::int8, false);
CREATE FUNCTION mint.check_mark() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF TG_OP = 'UPDATE' THEN
    IF OLD.state = 3 THEN RETURN NULL; END IF;
  END IF;
  IF NOT coalesce(NEW.final_expiry < extract(epoch FROM now())::int8, false) THEN
    RAISE EXCEPTION 'keyset % is not past its final expiry by the database server''s clock: set the mint''s right',
      NEW.number;
  END IF;
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION mint.check_mark FROM PUBLIC;
CREATE TRIGGER check_mark AFTER INSERT OR UPDATE OF state ON mint.keysets FOR EACH ROW WHEN (NEW.state = 3)
  EXECUTE FUNCTION mint.check_mark();
)sql"},
    {"keysets of blind tokens have records", R"sql(
-- What was the position in the derivation path is keysets.number; rows of before are of none, and kept.
UPDATE mint.auth_tokens SET keyset = 0;
UPDATE mint.auth_signatures SET keyset = 0;
-- As mint.prune, of a keyset of blind tokens. They are no money: their sums stay 0.
CREATE FUNCTION mint.prune_tokens(of_keyset int4, of_signatures bool, behind bytea, most int4,
    OUT reached bytea, OUT gone int8, OUT held bool, OUT waits bool)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET enable_seqscan = off AS $$
DECLARE last bytea;
BEGIN
  gone := 0; held := false; waits := false;
  IF NOT EXISTS (SELECT FROM mint.keysets WHERE number = of_keyset AND unit = 'auth' AND state = 3
      AND final_expiry < extract(epoch FROM now())::int8) THEN
    RAISE EXCEPTION 'keyset % is not one of blind tokens that is past its final expiry', of_keyset;
  END IF;
  INSERT INTO mint.pruned(keyset, proofs, redeemed, signatures, issued, done)
    VALUES(of_keyset, 0, 0, 0, 0, false) ON CONFLICT (keyset) DO NOTHING;
  PERFORM FROM mint.pruned WHERE keyset = of_keyset AND NOT done AND since < now() - interval '40 seconds'
    FOR UPDATE SKIP LOCKED;
  IF NOT FOUND THEN reached := behind; waits := true; RETURN; END IF;
  IF of_signatures THEN
    SELECT b_ INTO reached FROM mint.auth_signatures WHERE b_ > behind ORDER BY b_ OFFSET most - 1 LIMIT 1;
    last := coalesce(reached, '\xff');
    DELETE FROM mint.auth_signatures WHERE b_ > behind AND b_ <= last AND keyset = of_keyset;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE mint.pruned SET signatures = signatures + gone WHERE keyset = of_keyset AND gone > 0;
  ELSE
    SELECT y INTO reached FROM mint.auth_tokens WHERE y > behind ORDER BY y OFFSET most - 1 LIMIT 1;
    last := coalesce(reached, '\xff');
    DELETE FROM mint.auth_tokens WHERE y > behind AND y <= last AND keyset = of_keyset;
    GET DIAGNOSTICS gone = ROW_COUNT;
    UPDATE mint.pruned SET proofs = proofs + gone WHERE keyset = of_keyset AND gone > 0;
  END IF;
END $$;
REVOKE ALL ON FUNCTION mint.prune_tokens FROM PUBLIC;
)sql"},
};

constexpr auto kKnown = static_cast<std::int64_t>(std::size(kMigrations));

/// What a running mint needs, and no more. `%` is the role.
constexpr const char* kGrants = R"sql(
GRANT USAGE ON SCHEMA mint TO %;
GRANT SELECT ON ALL TABLES IN SCHEMA mint TO %;
GRANT INSERT ON mint.keysets, mint.prices, mint.proofs, mint.signatures, mint.mint_quotes, mint.melt_quotes,
  mint.payments, mint.receipts, mint.authorizations, mint.operations, mint.match_credits, mint.verdicts,
  mint.claims, mint.commits, mint.replicas, mint.units, mint.audit, mint.checkpoints,
  mint.auth_tokens, mint.auth_signatures, mint.auth_subjects TO %;
GRANT UPDATE(state, overlap_until) ON mint.keysets TO %;
GRANT UPDATE(msat, promised_msat, promised_until, kept_since) ON mint.prices TO %;
GRANT UPDATE(terms, cap, final_expiry, retired_at) ON mint.units TO %;
GRANT UPDATE(state) ON mint.proofs TO %;
GRANT UPDATE(amount, c_, e, s, operation) ON mint.signatures TO %;
GRANT UPDATE(amount_paid, amount_issued, received_msat, updated_at) ON mint.mint_quotes TO %;
GRANT UPDATE(state, inputs, input_fee, operation, preimage, paid_msat, attempt) ON mint.melt_quotes TO %;
GRANT UPDATE(state, holder, lease) ON mint.payments TO %;
GRANT UPDATE(until) ON mint.authorizations TO %;
GRANT UPDATE(msat) ON mint.match_credits TO %;
GRANT UPDATE(incarnation, seen) ON mint.replicas TO %;
GRANT UPDATE(done) ON mint.pruned TO %;
GRANT EXECUTE ON FUNCTION mint.release_melt, mint.drop_blanks, mint.fold_commits, mint.forget, mint.prune,
  mint.prune_tokens, mint.release_token TO %;
GRANT UPDATE(melt) ON mint.auth_tokens TO %;
GRANT UPDATE(hour, issued) ON mint.auth_subjects TO %;
)sql";

constexpr Statement kVersion{"schema_version", "SELECT version FROM mint.schema_version"};
constexpr Statement kHasSchema{"has_schema", "SELECT to_regclass('mint.schema_version') IS NOT NULL"};
constexpr Statement kSchemaExists{"schema_exists",
                                  "SELECT count(*) FROM pg_namespace WHERE nspname = 'mint'"};

constexpr Statement kRestoring{"restoring", "SELECT count(*) FROM pg_namespace WHERE nspname = $1"};

Result<std::int64_t> version(Connection& connection) {
  TRY(const postgres::Rows has, connection.ask(kHasSchema));
  if (has.integer(0, 0) == 0) {
    TRY(const postgres::Rows exists, connection.ask(kSchemaExists));
    if (exists.integer(0, 0) == 0) return 0;
    // A role without rights on the schema can't see what is in it.
    return invalid(
        "the database has a schema \"mint\" that is another program's, or that this role may not use: "
        "see docs/postgresql.md");
  }
  TRY(const postgres::Rows found, connection.ask(kVersion));
  const std::int64_t out = found.size() == 0 ? 0 : found.integer(0, 0);
  if (out > kKnown) {
    return invalid("the database was written by a newer version (schema " + std::to_string(out) +
                   ", this one knows " + std::to_string(kKnown) + "); use that version");
  }
  return out;
}

std::string with_role(const char* script, const std::string& role) {
  std::string out;
  for (const char* at = script; *at != '\0'; ++at) {
    if (*at == '%') {
      out += postgres::quoted_identifier(role);
    } else {
      out += *at;
    }
  }
  return out;
}

Status forward(Connection& connection, const std::string& runtime) {
  // Mints that start together wait here for the first.
  TRY_STATUS(connection.execute(std::string("BEGIN; SET LOCAL lock_timeout = '60s'; ").append(kLockSchema)));
  TRY(const std::int64_t found, version(connection));
  if (found < kKnown) {
    if (found == 0) {
      TRY_STATUS(check_restored(connection));
      TRY_STATUS(
          connection.execute("CREATE SCHEMA mint; CREATE TABLE mint.schema_version(version int4 NOT NULL)"));
    }
    for (std::int64_t next = found; next < kKnown; ++next) {
      const Migration& migration = kMigrations[static_cast<std::size_t>(next)];
      if (const auto applied = connection.execute(migration.script); !applied) {
        Error error = applied.error();
        error.message =
            "migration " + std::to_string(next + 1) + " (" + migration.what + "): " + error.message;
        return std::unexpected(std::move(error));
      }
    }
    TRY_STATUS(
        connection.execute("DELETE FROM mint.schema_version; INSERT INTO mint.schema_version VALUES (" +
                           std::to_string(kKnown) + ")"));
  }
  if (!runtime.empty()) TRY_STATUS(connection.execute(with_role(kGrants, runtime)));
  TRY_STATUS(connection.execute("COMMIT"));
  return {};
}

}  // namespace

Status check_restored(Connection& connection) {
  TRY(const postgres::Rows marks, connection.ask(kRestoring, postgres::Parameters().add(kRestoringSchema)));
  if (marks.integer(0, 0) == 0) return {};
  return invalid("a restore into the mint's database is under way, or was not finished: restore again");
}

Result<bool> is_ledger_current(Connection& connection) {
  TRY(const std::int64_t found, version(connection));
  return found == kKnown;
}

Status migrate_ledger(Connection& connection, const std::string& runtime) {
  Status done = forward(connection, runtime);
  if (!done && connection.usable()) (void)connection.execute("ROLLBACK");
  return done;
}

}  // namespace manastr::mint
