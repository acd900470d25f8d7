-- Up Migration

CREATE DOMAIN money_balance AS numeric(18,2) NOT NULL
  CONSTRAINT money_balance_in_range CHECK (VALUE >= 0 AND VALUE <= 9999999999999999.99);
COMMENT ON DOMAIN money_balance IS 'Money that is there: never negative, never NaN.';

CREATE TABLE accounts (
  user_id    user_name PRIMARY KEY,
  balance    money_balance DEFAULT 0 CONSTRAINT accounts_balance CHECK (balance >= 0),
  version    integer NOT NULL DEFAULT 0 CONSTRAINT accounts_version CHECK (version >= 0),
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  updated_at timestamptz(3) NOT NULL DEFAULT now()
) WITH (fillfactor = 70);
COMMENT ON TABLE accounts IS
  'One account per user. The balance is what the ledger adds up to, at every moment: both change in one transaction. fillfactor leaves room for HOT updates.';
COMMENT ON COLUMN accounts.user_id IS 'Whose account it is.';
COMMENT ON COLUMN accounts.balance IS 'Sum of successful top-ups minus sum of successful debits.';
COMMENT ON COLUMN accounts.version IS 'Grows by one with every successful ledger entry of the account.';
COMMENT ON COLUMN accounts.created_at IS 'When the account was created, by the clock of the database.';
COMMENT ON COLUMN accounts.updated_at IS 'When the balance last changed, by the clock of the database.';

CREATE TABLE ledger (
  tx_id      uuid PRIMARY KEY,
  order_id   uuid,
  user_id    user_name,
  type       text NOT NULL CONSTRAINT ledger_type CHECK (type IN ('TOPUP', 'DEBIT')),
  amount     money_amount,
  status     text NOT NULL CONSTRAINT ledger_status CHECK (status IN ('SUCCESS', 'FAILED')),
  reason     text,
  created_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT ledger_one_decision_per_order UNIQUE (order_id, type),
  CONSTRAINT ledger_debit_has_order CHECK ((type = 'DEBIT') = (order_id IS NOT NULL)),
  CONSTRAINT ledger_reason_of_failure CHECK (reason IS NULL OR status = 'FAILED'),
  CONSTRAINT ledger_topup_succeeds CHECK (type = 'DEBIT' OR status = 'SUCCESS')
);
CREATE INDEX ledger_of_user ON ledger (user_id, created_at DESC, tx_id DESC);
COMMENT ON TABLE ledger IS
  'Every movement of money and every refused debit, append-only. UNIQUE (order_id, type) is the fence that never expires: an order is decided once.';
COMMENT ON COLUMN ledger.tx_id IS 'UUIDv7 of the entry.';
COMMENT ON COLUMN ledger.order_id IS 'The order a debit pays for; null for a top-up.';
COMMENT ON COLUMN ledger.user_id IS 'Whose money. No foreign key: a debit is refused, and recorded, when there is no account.';
COMMENT ON COLUMN ledger.type IS 'TOPUP or DEBIT.';
COMMENT ON COLUMN ledger.amount IS 'What moved, or would have moved.';
COMMENT ON COLUMN ledger.status IS 'SUCCESS moved money, FAILED is a recorded refusal.';
COMMENT ON COLUMN ledger.reason IS 'Why a debit was refused (INSUFFICIENT_FUNDS, ACCOUNT_NOT_FOUND); null otherwise.';
COMMENT ON COLUMN ledger.created_at IS 'When it was decided, by the clock of the database.';

CREATE FUNCTION refuse_ledger_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the ledger is append-only: % refused', TG_OP
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
  FOR EACH STATEMENT EXECUTE FUNCTION refuse_ledger_change();
COMMENT ON FUNCTION refuse_ledger_change() IS 'What has happened stays written.';
