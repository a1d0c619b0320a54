// The SQL of Batch. Everything that locks comes sorted by its key, so that two mints wait for each other in
// one direction only.
#pragma once
#include "common/postgres/connection.h"

namespace manastr::mint::sql {

using postgres::Statement;

inline constexpr Statement kBegin{"begin", "BEGIN"};
inline constexpr Statement kCommit{"commit", "COMMIT"};
inline constexpr Statement kRollback{"rollback", "ROLLBACK"};
/// Whatever the server's default is: a reply is given for what is on disk.
inline constexpr Statement kDurably{"durably",
                                    "SELECT set_config('synchronous_commit', 'on', true) WHERE "
                                    "current_setting('synchronous_commit') = 'off'"};

// --- locking
/// With this held, nobody changes prices.
inline constexpr Statement kHoldPrices{"hold_prices",
                                       "SELECT pg_advisory_xact_lock_shared(5570193308277399043)"};
/// One at a time looks whether what was set aside for promises is still there.
inline constexpr Statement kHoldPromises{"hold_promises",
                                         "SELECT pg_advisory_xact_lock(5570193308277399045)"};
inline constexpr Statement kPrices{"prices", "SELECT unit, msat FROM mint.prices ORDER BY unit"};
inline constexpr Statement kPayableQuote{
    "payable_quote",
    "SELECT q.unit, q.amount, q.method, q.invoice_msat, q.created_at > coalesce(p.kept_since, 0) AND "
    "q.expires_at >= $3::int8, r.quote IS NOT NULL FROM mint.mint_quotes q LEFT JOIN mint.prices p USING "
    "(unit) LEFT JOIN mint.receipts r ON r.payment_hash = $2::bytea WHERE q.id = $1::bytea FOR UPDATE OF q"};
inline constexpr Statement kMintQuoteState{
    "mint_quote_state",
    "SELECT amount_paid, amount_issued, unit FROM mint.mint_quotes WHERE id = $1::bytea FOR UPDATE"};
inline constexpr Statement kMeltQuoteState{
    "melt_quote_state",
    "SELECT q.state, p.state, q.node_key, q.unit, q.inputs, q.operation, q.price_msat FROM "
    "mint.melt_quotes q "
    "LEFT JOIN mint.payments p USING (node_key) WHERE q.id = $1::bytea FOR UPDATE OF q"};
inline constexpr Statement kLockedInputs{
    "locked_inputs",
    "SELECT keyset, sum(amount)::int8 FROM mint.proofs WHERE melt = $1::bytea AND state = 0 GROUP BY keyset"};
inline constexpr Statement kMakeCredit{
    "make_credit", "INSERT INTO mint.match_credits VALUES($1::bytea, 0) ON CONFLICT (match) DO NOTHING"};
inline constexpr Statement kCredit{"credit",
                                   "SELECT msat FROM mint.match_credits WHERE match = $1::bytea FOR UPDATE"};
inline constexpr Statement kVerdictOf{"verdict_of",
                                      "SELECT verdict_id FROM mint.verdicts WHERE match = $1::bytea"};
inline constexpr Statement kOperationsOf{
    "operations_of",
    "SELECT s.operation FROM unnest($1::bytea[]) WITH ORDINALITY AS a(b_, n) LEFT JOIN mint.signatures s "
    "USING (b_) ORDER BY n"};

inline constexpr Statement kOutstandingOf{
    "outstanding_of",
    "SELECT (issued - redeemed)::int8 FROM mint.pruned WHERE keyset = $1::int8 AND NOT done FOR UPDATE"};

// --- rows
// Of a pruned keyset nothing is spent, whatever this process knows: what was spent of it is being forgotten.
inline constexpr Statement kSpend{
    "spend",
    "INSERT INTO mint.proofs(y, keyset, amount, state) SELECT y, keyset, amount, 1 FROM "
    "unnest($1::bytea[], $2::int8[], $3::int8[]) AS a(y, keyset, amount) WHERE NOT EXISTS (SELECT FROM "
    "mint.keysets WHERE state = 3 AND number = ANY($2::int8[])) ON CONFLICT (y) DO NOTHING"};
inline constexpr Statement kSpendFully{
    "spend_fully",
    "INSERT INTO mint.proofs(y, keyset, amount, state, melt, witness, match) SELECT * FROM "
    "unnest($1::bytea[], $2::int8[], $3::int8[], $4::int8[], $5::bytea[], $6::bytea[], $7::bytea[]) "
    "WHERE NOT EXISTS (SELECT FROM mint.keysets WHERE state = 3 AND number = ANY($2::int8[])) "
    "ON CONFLICT (y) DO NOTHING"};
inline constexpr Statement kIssue{
    "issue",
    "INSERT INTO mint.signatures(b_, keyset, amount, c_, e, s, operation) SELECT * FROM "
    "unnest($1::bytea[], $2::int8[], $3::int8[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[]) "
    "ON CONFLICT (b_) DO NOTHING"};
// The same for a transaction that is sent whole: a row that is there already ends it, and so does a pruned
// keyset.
inline constexpr Statement kSpendOrEnd{
    "spend_or_end",
    "INSERT INTO mint.proofs(y, keyset, amount, state) SELECT y, keyset, amount, CASE WHEN EXISTS (SELECT "
    "FROM "
    "mint.keysets WHERE state = 3 AND number = ANY($2::int8[])) THEN NULL ELSE 1 END FROM "
    "unnest($1::bytea[], $2::int8[], $3::int8[]) AS a(y, keyset, amount)"};
inline constexpr Statement kIssueOrEnd{
    "issue_or_end",
    "INSERT INTO mint.signatures(b_, keyset, amount, c_, e, s, operation) SELECT * FROM "
    "unnest($1::bytea[], $2::int8[], $3::int8[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[])"};
inline constexpr Statement kReserve{
    "reserve",
    "INSERT INTO mint.signatures(b_, keyset, amount, melt, position) SELECT b_, keyset, 0, melt, position "
    "FROM "
    "unnest($1::bytea[], $2::int8[], $3::bytea[], $4::int8[]) AS a(b_, keyset, melt, position) "
    "ON CONFLICT (b_) DO NOTHING"};
/// Fails if another process has become this replica; until the commit it waits for us with that.
inline constexpr Statement kCommitRow{
    "commit_row",
    "INSERT INTO mint.commits(id, replica, accounts, amounts) VALUES($1::bytea, (SELECT name FROM "
    "mint.replicas "
    "WHERE name = $2::text AND incarnation = $5::bytea FOR KEY SHARE), $3::text[], $4::int8[])"};
inline constexpr Statement kSpentOf{"spent_of",
                                    "SELECT y, state FROM mint.proofs WHERE y = ANY($1::bytea[])"};
inline constexpr Statement kSignedOf{
    "signed_of", "SELECT b_, c_ IS NULL, operation FROM mint.signatures WHERE b_ = ANY($1::bytea[])"};

// --- steps
inline constexpr Statement kOpening{
    "opening",
    "INSERT INTO mint.openings VALUES($1::bytea, $2::int8, $3::int8) ON CONFLICT (operation) DO NOTHING"};
inline constexpr Statement kNewMintQuote{
    "new_mint_quote",
    "INSERT INTO mint.mint_quotes(id, node_key, request, unit, amount, amount_paid, amount_issued, "
    "received_msat, invoice_msat, pubkey, created_at, expires_at, updated_at, method) VALUES($1::bytea, "
    "$2::bytea, $3::text, $4::text, $5::int8, 0, 0, 0, $6::int8, $7::bytea, $8::int8, $9::int8, $10::int8, "
    "$11::int8) ON CONFLICT DO NOTHING"};
inline constexpr Statement kReceipt{"receipt",
                                    "INSERT INTO mint.receipts(payment_hash, quote, msat, credited, at) "
                                    "VALUES($1::bytea, $2::bytea, $3::int8, "
                                    "$4::int8, $5::int8) ON CONFLICT (payment_hash) DO NOTHING"};
inline constexpr Statement kQuotePaid{
    "quote_paid",
    "UPDATE mint.mint_quotes SET received_msat = received_msat + $2::int8, amount_paid = amount_paid + "
    "$3::int8, updated_at = $4::int8 WHERE id = $1::bytea"};
inline constexpr Statement kQuoteIssued{
    "quote_issued",
    "UPDATE mint.mint_quotes SET amount_issued = $2::int8, updated_at = $3::int8 WHERE id = $1::bytea"};
inline constexpr Statement kNewMeltQuote{
    "new_melt_quote",
    "INSERT INTO mint.melt_quotes(id, node_key, request, unit, "
    "amount, fee_reserve, invoice_msat, names_amount, "
    "price_msat, state, created_at, expires_at, inputs, input_fee, method) "
    "VALUES($1::bytea, $2::bytea, $3::text, $4::text, "
    "$5::int8, $6::int8, $7::int8, $8::int8 <> 0, $9::int8, 0, "
    "$10::int8, $11::int8, 0, 0, $12::int8) ON CONFLICT DO NOTHING"};
inline constexpr Statement kBeginPayment{
    "begin_payment",
    "INSERT INTO mint.payments(node_key, quote, state, holder, node, lease) VALUES($1::bytea, $2::bytea, "
    "1, "
    "$3::text, $4::text, now() + interval '60 seconds') ON CONFLICT (node_key) DO NOTHING"};
inline constexpr Statement kMeltBegun{
    "melt_begun",
    "UPDATE mint.melt_quotes SET state = 1, inputs = $2::int8, input_fee = $3::int8, operation = $4::bytea, "
    "attempt = $5::int8 WHERE id = $1::bytea AND state = 0"};
inline constexpr Statement kInputsSpent{
    "inputs_spent", "UPDATE mint.proofs SET state = 1 WHERE melt = $1::bytea AND state = 0"};
inline constexpr Statement kChangeSigned{"change_signed",
                                         "UPDATE mint.signatures SET amount = $3::int8, c_ = $4::bytea, e = "
                                         "$5::bytea, s = $6::bytea, operation = $7::bytea "
                                         "WHERE b_ = $1::bytea AND melt = $2::bytea AND c_ IS NULL"};
inline constexpr Statement kDropBlanks{"drop_blanks", "SELECT mint.drop_blanks($1::bytea)"};
inline constexpr Statement kMeltPaid{
    "melt_paid",
    "UPDATE mint.melt_quotes SET state = 2, preimage = $2::bytea, paid_msat = $3::int8 WHERE id = $1::bytea "
    "AND state = 1"};
inline constexpr Statement kPaymentMade{
    "payment_made", "UPDATE mint.payments SET state = 2 WHERE node_key = $1::bytea AND state = 1"};
inline constexpr Statement kReleaseMelt{"release_melt", "SELECT mint.release_melt($1::bytea, $2::int8)"};
inline constexpr Statement kUseAuthorization{
    "use_authorization",
    "INSERT INTO mint.authorizations AS a VALUES($1::bytea, $2::int8) ON CONFLICT (event) DO UPDATE "
    "SET until = excluded.until WHERE a.until < $3::int8"};
inline constexpr Statement kUseKey{
    "use_key",
    "INSERT INTO mint.operations VALUES($1::bytea, $2::bytea, $3::int8) ON CONFLICT (key) DO NOTHING"};
inline constexpr Statement kSetCredit{
    "set_credit", "UPDATE mint.match_credits SET msat = $2::int8 WHERE match = $1::bytea"};
inline constexpr Statement kNewVerdict{"new_verdict",
                                       "INSERT INTO mint.verdicts VALUES($1::bytea, $2::bytea, $3::bytea, "
                                       "$4::bytea) ON CONFLICT (match) DO NOTHING"};
inline constexpr Statement kExpiryBooked{
    "expiry_booked", "UPDATE mint.pruned SET done = true WHERE keyset = $1::int8 AND NOT done"};
inline constexpr Statement kNewClaim{
    "new_claim",
    "INSERT INTO mint.claims(claim_id, match, claim) VALUES($1::bytea, $2::bytea, $3::bytea) "
    "ON CONFLICT (claim_id) DO NOTHING"};

// --- blind tokens
/// Nothing of a pruned keyset: its spent tokens are forgotten.
inline constexpr Statement kUseToken{
    "use_token",
    "INSERT INTO mint.auth_tokens AS t SELECT $1::bytea, $2::int8, $3::bytea, $4::bytea WHERE NOT EXISTS "
    "(SELECT FROM mint.keysets WHERE state = 3 AND number = $2::int8) ON CONFLICT (y) DO "
    "UPDATE SET melt = excluded.melt WHERE t.request = excluded.request"};
inline constexpr Statement kReleaseToken{"release_token", "SELECT mint.release_token($1::bytea)"};
/// An hour that is more than one ahead was counted by a clock that was wrong: it locks nobody out.
inline constexpr Statement kCountTokens{
    "count_tokens",
    "INSERT INTO mint.auth_subjects AS s VALUES($1::bytea, $2::int8, $3::int8) ON CONFLICT (subject) DO "
    "UPDATE SET hour = CASE WHEN s.hour = $2::int8 + 1 THEN s.hour ELSE $2::int8 END, issued = $3::int8 + "
    "CASE WHEN s.hour BETWEEN $2::int8 AND $2::int8 + 1 THEN s.issued ELSE 0 END WHERE s.hour NOT BETWEEN "
    "$2::int8 AND $2::int8 + 1 OR s.issued + $3::int8 <= $4::int8"};
/// A row if all went in.
inline constexpr Statement kIssueTokens{
    "issue_tokens",
    "WITH fresh AS (INSERT INTO mint.auth_signatures SELECT * FROM unnest($1::bytea[], $2::int8[], "
    "$3::bytea[], "
    "$4::bytea[], $5::bytea[], $6::bytea[]) ON CONFLICT (b_) DO NOTHING RETURNING b_) SELECT count(*) FROM "
    "fresh HAVING count(*) = cardinality($1::bytea[])"};

}  // namespace manastr::mint::sql
