import { randomUUIDv7 } from 'node:crypto'
import pg from 'pg'
import { createEvent } from '#contracts/events.ts'
import type { Charging } from './pgbench.ts'
import { answerRounds } from './processes.ts'
import { amount, userId } from './requests.ts'

/** The same effect as payments-consumer's, one transaction each: the loop one would write first. */
answerRounds(async ({ paymentsUrl, count, clients, accounts }: Charging) => {
  let next = 0
  const loop = async (client: pg.Client) => {
    while (next < count) await chargeOne(client, userId(next++ % accounts))
  }
  const all = await Promise.all(Array.from({ length: clients }, () => connect(paymentsUrl)))
  await Promise.all(all.map(loop))
  await Promise.all(all.map((client) => client.end()))
  return {}
})

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return client
}

async function chargeOne(client: pg.Client, user: string): Promise<void> {
  const [txId, orderId, requestId, replyId] = Array.from({ length: 4 }, () => randomUUIDv7())
  const data = { order_id: orderId as string, user_id: user, amount, tx_id: txId as string }
  const reply = { id: replyId as string, time: new Date() }
  const event = createEvent({ type: 'PaymentSucceeded', data }, reply)
  await client.query('BEGIN')
  await client.query({ ...insertInbox, values: [requestId] })
  await client.query({ ...chargeAccount, values: [user, amount] })
  await client.query({ ...insertLedger, values: [txId, orderId, user, amount] })
  await client.query({ ...insertOutbox, values: [replyId, JSON.stringify(event)] })
  await client.query('COMMIT')
}

const insertInbox = {
  name: 'inbox',
  text: `INSERT INTO inbox (event_id, event_type) VALUES ($1, 'PaymentRequested')
         ON CONFLICT (event_id) DO NOTHING`,
}
const chargeAccount = {
  name: 'account',
  text: `UPDATE accounts SET balance = balance - $2, version = version + 1,
           updated_at = clock_timestamp()
         WHERE user_id = $1 AND balance >= $2`,
}
const insertLedger = {
  name: 'ledger',
  text: `INSERT INTO ledger (tx_id, order_id, user_id, type, amount, status)
         VALUES ($1, $2, $3, 'DEBIT', $4, 'SUCCESS')`,
}
const insertOutbox = {
  name: 'outbox',
  text: `INSERT INTO outbox (event_id, event_type, payload_json)
         VALUES ($1, 'PaymentSucceeded', $2)`,
}
