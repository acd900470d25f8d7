-- Up Migration

-- Each of these indexes reads the whole table once, and nothing is written to orders meanwhile: about a second for a million orders.
-- An order is in the second one until it is decided, and in the first one from then on.
CREATE INDEX orders_changed_of_user ON orders (user_id, updated_at) WHERE status IN ('PAID', 'PAYMENT_FAILED', 'REFUND_PENDING', 'REFUNDED');
CREATE INDEX orders_pending_of_user ON orders (user_id, created_at DESC, order_id DESC) WHERE status IN ('PAYMENT_PENDING', 'REFUND_PENDING');
