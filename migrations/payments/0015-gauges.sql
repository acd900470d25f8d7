-- Up Migration

CREATE TABLE gauges (
  name        text PRIMARY KEY,
  depth       bigint NOT NULL DEFAULT 0 CONSTRAINT gauges_depth CHECK (depth >= 0),
  oldest_at   timestamptz,
  computed_at timestamptz NOT NULL DEFAULT '-infinity'
);
COMMENT ON TABLE gauges IS
  'How much waits, and since when, for /metrics of all processes of this service. Whoever is asked and finds a row too old computes the row again; everybody else takes what is there.';
COMMENT ON COLUMN gauges.name IS 'What waits: outbox, deferred_events.';
COMMENT ON COLUMN gauges.depth IS 'How many wait; counted up to 100,000.';
COMMENT ON COLUMN gauges.oldest_at IS 'Since when the oldest one waits; null if none waits.';
COMMENT ON COLUMN gauges.computed_at IS 'When the row was computed, by the clock of the database.';
INSERT INTO gauges (name) VALUES ('outbox'), ('deferred_events');
