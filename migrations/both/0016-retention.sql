-- Up Migration

CREATE TABLE retention (
  table_name     text PRIMARY KEY,
  retention_ms   bigint NOT NULL CONSTRAINT retention_is_positive CHECK (retention_ms > 0),
  expired_before timestamptz,
  position       text,
  due_at         timestamptz NOT NULL DEFAULT now(),
  deleted        bigint NOT NULL DEFAULT 0,
  deleted_ever   bigint NOT NULL DEFAULT 0,
  finished_at    timestamptz
) WITH (fillfactor = 50);
COMMENT ON TABLE retention IS
  'Which tables expire, and how far that has come: one row for each, locked by the process that deletes a batch, and changed in the transaction that deletes it.';
COMMENT ON COLUMN retention.table_name IS 'The table whose old rows are deleted.';
COMMENT ON COLUMN retention.retention_ms IS 'How long its rows are kept, as the process that started last was told.';
COMMENT ON COLUMN retention.expired_before IS 'Rows that are older may be gone; null: nothing was deleted yet.';
COMMENT ON COLUMN retention.position IS 'The key of the last row that the pass in progress has looked at; null: the next pass begins.';
COMMENT ON COLUMN retention.due_at IS 'The next batch is not before this time: the flow goes first.';
COMMENT ON COLUMN retention.deleted IS 'Rows that the pass in progress has deleted, or the last one.';
COMMENT ON COLUMN retention.deleted_ever IS 'Rows that all passes have deleted.';
COMMENT ON COLUMN retention.finished_at IS 'When the last pass was finished, by the clock of the database; null: none was.';

-- Deleted rows are dead until a vacuum: by default that waits until a fifth of the table is dead. Only the catalog changes.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE idempotency_keys SET (autovacuum_vacuum_scale_factor = 0.05);
