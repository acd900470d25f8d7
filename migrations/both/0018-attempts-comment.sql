-- Up Migration

COMMENT ON COLUMN attempts.started IS
  'How often its handling was begun after it had come back: the first time with others, later by itself.';
