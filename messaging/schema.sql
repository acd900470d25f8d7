-- The tables of the engine, as one script: run it once in each database that has an outbox or an inbox.
-- Orders and Payments get the same tables by migrations/both/; schema.integration.test.ts compares both.

CREATE TABLE outbox (
  event_id         uuid PRIMARY KEY,
  event_type       text NOT NULL,
  payload_json     jsonb NOT NULL,
  created_at       timestamptz NOT NULL DEFAULT now(),
  published_at     timestamptz,
  publish_attempts integer NOT NULL DEFAULT 0 CONSTRAINT outbox_attempts CHECK (publish_attempts >= 0),
  next_attempt_at  timestamptz NOT NULL DEFAULT now(),
  last_error       text
);
CREATE INDEX outbox_unpublished ON outbox (next_attempt_at, event_id) WHERE published_at IS NULL;
COMMENT ON TABLE outbox IS
  'Events this service has promised to publish: written in the transaction of their effect, published by the relay at least once.';
COMMENT ON COLUMN outbox.event_id IS 'UUIDv7; the id of the event and the message_id of its message.';
COMMENT ON COLUMN outbox.event_type IS 'Decides exchange and routing key.';
COMMENT ON COLUMN outbox.payload_json IS 'The whole event (CloudEvents 1.0), published as it stands.';
COMMENT ON COLUMN outbox.created_at IS 'When the event was written, by the clock of the database.';
COMMENT ON COLUMN outbox.published_at IS 'When the broker had confirmed it; null while it is owed.';
COMMENT ON COLUMN outbox.publish_attempts IS
  'How often an attempt to publish it came to an end: confirmed, or failed (refused, not routed, not confirmed by a broker that answered). An attempt whose end is unknown, since the connection was lost, is not counted: the event goes out on the next connection.';
COMMENT ON COLUMN outbox.next_attempt_at IS
  'Not before this time; moves on after a failure, so that one bad event never holds up the others. A lost connection moves nothing.';
COMMENT ON COLUMN outbox.last_error IS 'Why the last attempt failed; null if none did.';

CREATE TABLE inbox (
  event_id    uuid PRIMARY KEY,
  event_type  text,
  received_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE inbox IS
  'Events this service has handled, written in the transaction of their effect: an event found here is a duplicate.';
COMMENT ON COLUMN inbox.event_id IS 'The id of the handled event.';
COMMENT ON COLUMN inbox.event_type IS 'Its type, for those who look.';
COMMENT ON COLUMN inbox.received_at IS 'When it was handled, by the clock of the database.';

CREATE TABLE attempts (
  event_id        uuid PRIMARY KEY,
  started         integer NOT NULL DEFAULT 0 CONSTRAINT attempts_started CHECK (started >= 0),
  finished        integer NOT NULL DEFAULT 0 CONSTRAINT attempts_finished CHECK (finished >= 0),
  last_started_at timestamptz NOT NULL DEFAULT now(),
  last_error      text
);
COMMENT ON TABLE attempts IS
  'Events whose handling did not go well at first: delivered before to a consumer that died, or failed by themselves. Written before each further attempt, gone when the event is handled or parked. Started and not finished tells an event that kills its consumer from its neighbours.';
COMMENT ON COLUMN attempts.event_id IS 'The id of the event.';
COMMENT ON COLUMN attempts.started IS
  'How often its handling was begun after it had come back: the first time with others, later by itself.';
COMMENT ON COLUMN attempts.finished IS 'How often it came to an end, which is then an error.';
COMMENT ON COLUMN attempts.last_started_at IS 'When it was last begun, by the clock of the database.';
COMMENT ON COLUMN attempts.last_error IS 'What the last attempt that came to an end said.';

CREATE TABLE deferred_events (
  deferred_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  event_id    uuid NOT NULL,
  waits_for   text NOT NULL,
  properties  json NOT NULL,
  content     bytea NOT NULL,
  deferred_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX deferred_events_waits_for ON deferred_events (waits_for, deferred_id);
COMMENT ON TABLE deferred_events IS
  'Messages whose handling waits for a row that somebody else has locked: written instead of the effect, acknowledged, and sent to their queue again when the row is free. Normally empty. One message may be here twice; the inbox tells.';
COMMENT ON COLUMN deferred_events.deferred_id IS 'In which order they came; not the event, which may have come back meanwhile.';
COMMENT ON COLUMN deferred_events.event_id IS 'The id of the event.';
COMMENT ON COLUMN deferred_events.waits_for IS 'The key of the locked row: the user of an account, the id of an order.';
COMMENT ON COLUMN deferred_events.properties IS 'What the message came with: message id, type, content type, headers, exchange and routing key.';
COMMENT ON COLUMN deferred_events.content IS 'The message, byte for byte.';
COMMENT ON COLUMN deferred_events.deferred_at IS 'When it was put here, by the clock of the database.';

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

-- Deleted rows are dead until a vacuum: by default that waits until a fifth of the table is dead.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE inbox SET (autovacuum_vacuum_scale_factor = 0.05);
