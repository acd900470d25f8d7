-- Up Migration

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
COMMENT ON COLUMN outbox.publish_attempts IS 'How often it was handed to the broker.';
COMMENT ON COLUMN outbox.next_attempt_at IS 'Not before this time; moves on after a failure, so that one bad event never holds up the others.';
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

CREATE TABLE idempotency_keys (
  user_id         text NOT NULL,
  call            text NOT NULL,
  key             text NOT NULL CONSTRAINT idempotency_keys_length CHECK (length(key) BETWEEN 1 AND 255),
  fingerprint     text NOT NULL,
  response_status integer NOT NULL,
  response_body   text NOT NULL,
  created_at      timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, call, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
COMMENT ON TABLE idempotency_keys IS
  'Answers given to calls with an Idempotency-Key, written in the transaction of their effect. Kept at least 24 hours.';
COMMENT ON COLUMN idempotency_keys.user_id IS 'Whose key it is: two users may choose the same.';
COMMENT ON COLUMN idempotency_keys.call IS 'Method and route, since a key belongs to one call.';
COMMENT ON COLUMN idempotency_keys.key IS 'The key, without the quotes of RFC 8941.';
COMMENT ON COLUMN idempotency_keys.fingerprint IS 'SHA-256 of what the request meant, after validation.';
COMMENT ON COLUMN idempotency_keys.response_status IS 'The status to repeat.';
COMMENT ON COLUMN idempotency_keys.response_body IS 'The body to repeat, byte for byte.';
COMMENT ON COLUMN idempotency_keys.created_at IS 'When the effect was committed, by the clock of the database.';

COMMENT ON TABLE migrations IS 'Which migrations have run here; kept by node-pg-migrate.';
COMMENT ON COLUMN migrations.id IS 'In which order.';
COMMENT ON COLUMN migrations.name IS 'The name of the file, without its ending.';
COMMENT ON COLUMN migrations.run_on IS 'When.';
