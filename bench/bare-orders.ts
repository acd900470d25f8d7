import { randomUUIDv7 } from 'node:crypto'
import pg from 'pg'
import { createEvent } from '#contracts/events.ts'
import { answerRounds } from './processes.ts'
import { amount, userId } from './requests.ts'

/** What accepting so many orders writes, without anybody who asks for it over HTTP. */
export interface Inserting {
  ordersUrl: string
  count: number
  clients: number
}

answerRounds(async ({ ordersUrl, count, clients }: Inserting) => {
  const all = await Promise.all(Array.from({ length: clients }, () => connect(ordersUrl)))
  let next = 0
  const loop = async (client: pg.Client) => {
    while (next < count) await insertOne(client, userId(next++ % 1_000))
  }
  const startedAt = performance.now()
  await Promise.all(all.map(loop))
  const ms = performance.now() - startedAt
  await Promise.all(all.map((client) => client.end()))
  return { ms }
})

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  return client
}

async function insertOne(client: pg.Client, user_id: string): Promise<void> {
  const [order_id, id] = [randomUUIDv7(), randomUUIDv7()]
  const data = { order_id, user_id, amount }
  const event = createEvent({ type: 'PaymentRequested', data }, { id, time: new Date() })
  await client.query('BEGIN')
  await client.query({ ...insertOrder, values: [order_id, user_id, amount, id] })
  await client.query({ ...insertOutbox, values: [id, JSON.stringify(event)] })
  await client.query('COMMIT')
}

const insertOrder = {
  name: 'order',
  text: `INSERT INTO orders (order_id, user_id, amount, request_id) VALUES ($1, $2, $3, $4)
         RETURNING order_id, user_id, amount, status, created_at, updated_at`,
}
const insertOutbox = {
  name: 'outbox',
  text: `INSERT INTO outbox (event_id, event_type, payload_json)
         VALUES ($1, 'PaymentRequested', $2)`,
}
