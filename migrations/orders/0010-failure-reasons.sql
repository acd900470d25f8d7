-- Up Migration

-- NOT VALID: the lock is held for an instant, however many rows there are. What is written from now on is checked.
ALTER TABLE orders ADD CONSTRAINT orders_reason_is_known
  CHECK (failure_reason IN ('INSUFFICIENT_FUNDS', 'ACCOUNT_NOT_FOUND')) NOT VALID;
