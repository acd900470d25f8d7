-- Up Migration

ALTER TABLE orders
  ADD COLUMN request_id    uuid,
  ADD COLUMN times_asked   integer NOT NULL DEFAULT 1 CONSTRAINT orders_times_asked CHECK (times_asked >= 1),
  ADD COLUMN waiting_since timestamptz NOT NULL DEFAULT now();
CREATE INDEX orders_pending ON orders (waiting_since) WHERE status = 'PAYMENT_PENDING';
COMMENT ON COLUMN orders.request_id IS 'The event that asked for the payment last; null if that is not known.';
COMMENT ON COLUMN orders.times_asked IS 'How often the payment was asked for; more than once if no answer came for long.';
COMMENT ON COLUMN orders.waiting_since IS
  'Asked for again when this is longer ago than ASK_AGAIN_AFTER_MS. Each asking moves it on, further each time.';
