-- Up Migration

-- NOT VALID: the lock is held for an instant, however many rows there are. What is written from now on is checked; what was
-- written before stays, since the ledger is append-only, and is for `operator reconcile` to find.
ALTER TABLE ledger ADD CONSTRAINT ledger_reason_is_known
  CHECK (reason IN ('INSUFFICIENT_FUNDS', 'ACCOUNT_NOT_FOUND')) NOT VALID;
