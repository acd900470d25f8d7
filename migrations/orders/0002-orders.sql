-- Up Migration

CREATE TABLE orders (
  order_id       uuid PRIMARY KEY,
  user_id        user_name,
  amount         money_amount,
  status         text NOT NULL DEFAULT 'PAYMENT_PENDING'
                 CONSTRAINT orders_status CHECK (status IN ('PAYMENT_PENDING', 'PAID', 'PAYMENT_FAILED')),
  failure_reason text,
  created_at     timestamptz(3) NOT NULL DEFAULT now(),
  updated_at     timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT orders_reason_of_failure CHECK (failure_reason IS NULL OR status = 'PAYMENT_FAILED')
) WITH (fillfactor = 85);
CREATE INDEX orders_of_user ON orders (user_id, created_at DESC, order_id DESC);
COMMENT ON TABLE orders IS
  'One row per accepted order. Written once by orders-api, settled once by orders-consumer; a final status never changes. fillfactor leaves room so that settling is a HOT update.';
COMMENT ON COLUMN orders.order_id IS 'UUIDv7, given by orders-api.';
COMMENT ON COLUMN orders.user_id IS 'Who ordered.';
COMMENT ON COLUMN orders.amount IS 'What the order costs.';
COMMENT ON COLUMN orders.status IS 'PAYMENT_PENDING until payments has decided; then PAID or PAYMENT_FAILED for good.';
COMMENT ON COLUMN orders.failure_reason IS 'Why the payment failed (INSUFFICIENT_FUNDS, ACCOUNT_NOT_FOUND); null otherwise.';
COMMENT ON COLUMN orders.created_at IS 'When the order was accepted, by the clock of the database.';
COMMENT ON COLUMN orders.updated_at IS 'When the status last changed, by the clock of the database.';
