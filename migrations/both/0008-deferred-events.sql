-- Up Migration

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
