\set user random(0, :users - 1)
BEGIN;
INSERT INTO inbox (event_id, event_type) VALUES (uuidv7(), 'PaymentRequested') ON CONFLICT (event_id) DO NOTHING;
UPDATE accounts SET balance = balance - 1.25, version = version + 1, updated_at = clock_timestamp() WHERE user_id = 'user-' || :user AND balance >= 1.25;
INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status) VALUES (uuidv7(), uuidv7(), 'user-' || :user, 'DEBIT', 1.25, 'SUCCESS');
INSERT INTO outbox (event_id, event_type, payload_json) VALUES (uuidv7(), 'PaymentSucceeded', jsonb_build_object('specversion', '1.0', 'id', uuidv7(), 'type', 'PaymentSucceeded', 'source', '/payments', 'subject', uuidv7(), 'time', now(), 'datacontenttype', 'application/json', 'dataschema', 'https://orders-payments.example/schemas/payment-succeeded.v1.json', 'data', jsonb_build_object('order_id', uuidv7(), 'user_id', 'user-' || :user, 'amount', '1.25', 'tx_id', uuidv7())));
COMMIT;
