-- Up Migration

-- NOT VALID: what is there fits, since it fits the narrower constraints. The lock is held for an instant.
ALTER TABLE ledger
  DROP CONSTRAINT ledger_type,
  DROP CONSTRAINT ledger_debit_has_order,
  DROP CONSTRAINT ledger_topup_succeeds,
  DROP CONSTRAINT ledger_reason_is_known,
  ADD CONSTRAINT ledger_type CHECK (type IN ('TOPUP', 'DEBIT', 'REFUND')) NOT VALID,
  ADD CONSTRAINT ledger_debit_has_order CHECK ((type IN ('DEBIT', 'REFUND')) = (order_id IS NOT NULL)) NOT VALID,
  ADD CONSTRAINT ledger_topup_succeeds CHECK (type IN ('DEBIT', 'REFUND') OR status = 'SUCCESS') NOT VALID,
  ADD CONSTRAINT ledger_reason_is_known CHECK (reason IN ('INSUFFICIENT_FUNDS', 'ACCOUNT_NOT_FOUND', 'BALANCE_LIMIT')) NOT VALID;
COMMENT ON TABLE ledger IS
  'Every movement of money and every refusal, append-only. UNIQUE (order_id, type) is the fence that never expires: the payment of an order is decided once, and so is its refund.';
COMMENT ON COLUMN ledger.order_id IS 'The order a debit pays for, or a refund gives back; null for a top-up.';
COMMENT ON COLUMN ledger.type IS 'TOPUP, DEBIT or REFUND.';
COMMENT ON COLUMN ledger.reason IS
  'Why a debit (INSUFFICIENT_FUNDS, ACCOUNT_NOT_FOUND) or a refund (BALANCE_LIMIT) was refused; null otherwise.';
COMMENT ON COLUMN accounts.balance IS 'Sum of successful top-ups minus sum of successful debits plus sum of successful refunds.';
