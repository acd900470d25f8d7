-- Up Migration

-- UNLOGGED: what a crash forgets is the requests of the last seconds. Its commits do not wait for the disk.
CREATE UNLOGGED TABLE user_requests (
  user_id     user_name PRIMARY KEY,
  spent_until timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE user_requests IS
  'How many requests each user has made lately: a token bucket, shared by all replicas of the API; empty while nobody is limited.';
COMMENT ON COLUMN user_requests.user_id IS 'Who calls, by the token.';
COMMENT ON COLUMN user_requests.spent_until IS
  'When the bucket is full again, by the clock of the database. Each request moves it on by the time of one token.';
