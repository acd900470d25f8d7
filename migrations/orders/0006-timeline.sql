-- Up Migration

ALTER TABLE orders
  ADD COLUMN relayed_at       timestamptz(3),
  ADD COLUMN received_at      timestamptz(3),
  ADD COLUMN charged_at       timestamptz(3),
  ADD COLUMN reply_relayed_at timestamptz(3);
COMMENT ON COLUMN orders.relayed_at IS
  'When the request for payment was handed to the broker, by the clock of orders-relay. Like the three below: written when the order is settled, null if the reply does not say.';
COMMENT ON COLUMN orders.received_at IS 'When Payments had it, by the clock of payments-consumer.';
COMMENT ON COLUMN orders.charged_at IS 'When Payments decided, charged or refused, by the clock of payments-consumer.';
COMMENT ON COLUMN orders.reply_relayed_at IS 'When the reply was handed to the broker, by the clock of payments-relay.';
