-- Ten million spent proofs and their signatures, made up, for the ledger of a mint that is not running:
--   sqlite3 DIR/mint.sqlite < bench/prefill.sql
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
PRAGMA cache_size = -1000000;
PRAGMA temp_store = MEMORY;
BEGIN;
INSERT INTO proofs(y, keyset, amount, state)
  SELECT randomblob(33), 1, 1, 1 FROM generate_series(1, 10000000);
INSERT INTO signatures(b_, keyset, amount, c_, e, s, operation)
  SELECT randomblob(33), 1, 1, randomblob(33), randomblob(32), randomblob(32), randomblob(32)
    FROM generate_series(1, 10000000);
-- The index has the keys of other points, for nobody asks for these. The newest half a million are left to be moved,
-- so that the load finds the ledger as a long life leaves it.
UPDATE index_reach SET number = 9475712;
INSERT INTO proofs_index SELECT randomblob(8), number FROM proofs WHERE number <= 9475712 ORDER BY 1, 2;
INSERT INTO signatures_index SELECT randomblob(8), number FROM signatures WHERE number <= 9475712 ORDER BY 1, 2;
INSERT INTO keyset_totals(keyset, entry, issued, redeemed) SELECT 1, coalesce(max(sequence), 0) + 1, 10000000, 10000000 FROM journal WHERE true
  ON CONFLICT DO UPDATE SET issued = issued + 10000000, redeemed = redeemed + 10000000;
COMMIT;
PRAGMA journal_mode = WAL;
