-- Up Migration

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
COMMENT ON COLUMN attempts.started IS 'How often its handling was begun, by itself.';
COMMENT ON COLUMN attempts.finished IS 'How often it came to an end, which is then an error.';
COMMENT ON COLUMN attempts.last_started_at IS 'When it was last begun, by the clock of the database.';
COMMENT ON COLUMN attempts.last_error IS 'What the last attempt that came to an end said.';
