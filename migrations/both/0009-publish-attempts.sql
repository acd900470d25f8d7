-- Up Migration

COMMENT ON COLUMN outbox.publish_attempts IS
  'How often an attempt to publish it came to an end: confirmed, or failed (refused, not routed, not confirmed by a broker that answered). An attempt whose end is unknown, since the connection was lost, is not counted: the event goes out on the next connection.';
COMMENT ON COLUMN outbox.next_attempt_at IS
  'Not before this time; moves on after a failure, so that one bad event never holds up the others. A lost connection moves nothing.';
