import { execute } from './servers.ts'

/** Rows are older than all that are measured, and in the order of their time, as they would be. */
const age = "interval '-30 days' + n * interval '100 milliseconds'"

const publishedEvents = (rows: number, type: string): string => `
  INSERT INTO outbox (event_id, event_type, payload_json, created_at, published_at,
                      publish_attempts, next_attempt_at)
    SELECT uuidv7(${age}), '${type}',
           jsonb_build_object('specversion', '1.0', 'id', n, 'type', '${type}', 'source', '/bench',
             'subject', n, 'time', now(), 'datacontenttype', 'application/json', 'dataschema',
             'https://orders-payments.example/schemas/payment.v1.json', 'data',
             jsonb_build_object('order_id', n, 'user_id', 'user-' || n, 'amount', '1.25')),
           now() + ${age}, now() + ${age}, 1, now() + ${age}
    FROM generate_series(1, ${rows}) AS n;`

/** An outbox of which all events were published long ago. */
export async function growOrders(ordersUrl: string, rows: number): Promise<void> {
  await execute(ordersUrl, publishedEvents(rows, 'PaymentRequested'))
  await execute(ordersUrl, 'VACUUM (ANALYZE)')
  await execute(ordersUrl, 'CHECKPOINT')
}

/** The same with inbox and ledger, all of whose debits add up to the balances of the accounts. */
export async function growPayments(
  paymentsUrl: string,
  rows: number,
  accounts: number,
): Promise<void> {
  const perAccount = rows / accounts
  await execute(paymentsUrl, publishedEvents(rows, 'PaymentSucceeded'))
  await execute(
    paymentsUrl,
    `INSERT INTO inbox (event_id, event_type, received_at)
       SELECT uuidv7(${age}), 'PaymentRequested', now() + ${age}
       FROM generate_series(1, ${rows}) AS n;
     INSERT INTO accounts (user_id, balance, version)
       SELECT 'user-' || n, 1000000 - ${perAccount} * 0.01, 1 + ${perAccount}
       FROM generate_series(0, ${accounts - 1}) AS n;
     INSERT INTO ledger (tx_id, user_id, type, amount, status, created_at)
       SELECT uuidv7(interval '-31 days'), user_id, 'TOPUP', 1000000, 'SUCCESS', now() - interval '31 days'
       FROM accounts;
     INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status, created_at)
       SELECT uuidv7(${age}), uuidv7(${age}), 'user-' || n % ${accounts}, 'DEBIT', 0.01, 'SUCCESS', now() + ${age}
       FROM generate_series(1, ${rows}) AS n;`,
  )
  await execute(paymentsUrl, 'VACUUM (ANALYZE)')
  await execute(paymentsUrl, 'CHECKPOINT')
}
