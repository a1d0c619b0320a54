-- Ten million spent proofs and their signatures, made up, for the ledger in PostgreSQL of a mint that is not running:
--   psql DATABASE_URL -v ON_ERROR_STOP=1 -f bench/prefill-postgresql.sql
-- The indices are as full (70 %) as random keys leave them in a long life.
SET synchronous_commit = off;
SET maintenance_work_mem = '1GB';
BEGIN;
ALTER TABLE mint.proofs DROP CONSTRAINT proofs_pkey;
ALTER TABLE mint.signatures DROP CONSTRAINT signatures_pkey;
INSERT INTO mint.proofs(y, keyset, amount, state)
  SELECT '\x02'::bytea || sha256(int8send(n)), 1, 1, 1 FROM generate_series(1, 10000000) AS n;
INSERT INTO mint.signatures(b_, keyset, amount, c_, e, s, operation)
  SELECT '\x03'::bytea || h, 1, 1, '\x02'::bytea || h, h, h, h
    FROM (SELECT sha256(int8send(-n)) AS h FROM generate_series(1, 10000000) AS n) AS made;
ALTER TABLE mint.proofs ADD CONSTRAINT proofs_pkey PRIMARY KEY (y) WITH (fillfactor = 70);
ALTER TABLE mint.signatures ADD CONSTRAINT signatures_pkey PRIMARY KEY (b_) WITH (fillfactor = 70);
ALTER INDEX mint.proofs_pkey RESET (fillfactor);
ALTER INDEX mint.signatures_pkey RESET (fillfactor);
INSERT INTO mint.totals(replica, account, day, amount)
  VALUES ('prefill', 'issued/1', current_date, 10000000), ('prefill', 'redeemed/1', current_date, 10000000);
COMMIT;
VACUUM ANALYZE mint.proofs, mint.signatures;
CHECKPOINT;
