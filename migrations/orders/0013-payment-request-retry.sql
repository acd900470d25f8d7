-- Up Migration

-- Only the catalog changes: the lock is held for an instant, however many rows there are, and the index follows its column.
-- A process of the version before goes on settling orders; its retry of payment requests fails, and says so, until it is replaced.
ALTER TABLE orders RENAME COLUMN times_asked TO request_attempts;
ALTER TABLE orders RENAME COLUMN waiting_since TO timeout_starts_at;
ALTER TABLE orders RENAME CONSTRAINT orders_times_asked TO orders_request_attempts;
COMMENT ON COLUMN orders.request_id IS 'The event that requested the payment last; null if that is not known.';
COMMENT ON COLUMN orders.request_attempts IS
  'How often the payment was requested; more than once if no answer came in time.';
COMMENT ON COLUMN orders.timeout_starts_at IS
  'The payment is requested again when this is longer ago than PAYMENT_REQUEST_TIMEOUT_MS. Each retry moves it on, further each time.';
