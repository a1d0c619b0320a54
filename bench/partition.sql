-- Splits those tables of a mint's ledger in PostgreSQL that grow with its use by the hash of their key, into 16 partitions each. No mint may
-- run meanwhile; `manastr-mint migrate` afterwards gives the mint's role its rights on the new tables. As their owner:
--   psql DATABASE_URL -1 -f bench/partition.sql
-- tests/unit/mint/ledger/postgres/postgres_ledger_test.cpp runs the whole suite of ledgers on what this makes. docs/scaling.md says when.
DO $$
DECLARE
  split record;
  partitions CONSTANT int := 16;
BEGIN
  FOR split IN SELECT * FROM (VALUES
      ('proofs', 'y'), ('signatures', 'b_'), ('melt_quotes', 'id'), ('payments', 'node_key'), ('receipts', 'payment_hash'), ('operations', 'key'),
      ('commits', 'id'), ('authorizations', 'event'), ('match_credits', 'match'), ('verdicts', 'match'), ('claims', 'claim_id'))
      AS tables(name, key) LOOP
    EXECUTE format('ALTER TABLE mint.%I RENAME TO whole', split.name);
    EXECUTE format('CREATE TABLE mint.%I (LIKE mint.whole INCLUDING ALL) PARTITION BY HASH (%I)', split.name, split.key);
    FOR remainder IN 0..partitions - 1 LOOP
      EXECUTE format('CREATE TABLE mint.%I PARTITION OF mint.%I FOR VALUES WITH (MODULUS %s, REMAINDER %s)',
        split.name || '_' || remainder, split.name, partitions, remainder);
    END LOOP;
    EXECUTE format('INSERT INTO mint.%I SELECT * FROM mint.whole', split.name);
    DROP TABLE mint.whole;
  END LOOP;
END $$;
