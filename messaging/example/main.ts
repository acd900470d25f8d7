import { randomUUIDv7 } from 'node:crypto'
import { createInterface } from 'node:readline'
import * as messaging from '../index.ts'

/**
 * A shop sells what each line of its input names; a warehouse makes one parcel of each sale,
 * whatever is killed or delivered twice meanwhile. Two processes: `main.ts shop` and `main.ts
 * warehouse`, each with its database.
 */
type Sold = { id: string; type: 'Sold'; article: string }
type Database = messaging.MessagingDatabase & Record<'sales' | 'parcels', { article: string }>

const { DATABASE_URL: databaseUrl = '', AMQP_URL: brokerUrl = '' } = process.env
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => stop.abort())
const options = { databaseUrl, brokerUrl, signal: stop.signal }

async function shop(): Promise<void> {
  const routes = { Sold: { exchange: 'shop', routingKey: 'sold' } }
  const relaying = messaging.runRelay({ ...options, routes })
  const db = messaging.connectDatabase<Database>({ name: 'shop', url: databaseUrl })
  const notifyRelay = messaging.createRelayNotifier(db)
  for await (const article of createInterface({ input: process.stdin, signal: stop.signal })) {
    const sold: Sold = { id: randomUUIDv7(), type: 'Sold', article }
    await db.transaction().execute(async (trx) => {
      await trx.insertInto('sales').values({ article }).execute()
      await messaging.appendEvents(trx, [sold]) // the sale and its event: both, or none
    })
    notifyRelay()
  }
  await relaying
  await db.close()
}

const warehouse = (): Promise<void> =>
  messaging.runConsumer<Database, Sold>({
    ...options,
    queue: { queue: 'warehouse', exchange: 'shop', routingKeys: ['sold'] },
    decode,
    handle: async (trx, sales) => {
      const parcels = sales.map(({ article }) => ({ article }))
      await trx.insertInto('parcels').values(parcels).execute() // with the inbox: both, or none
      return sales.map(() => ({ kind: 'handled' }))
    },
  })

/** What is no sale becomes a dead letter, in the queue `warehouse.dlq`. */
function decode(content: Uint8Array): messaging.Decoded<Sold> {
  try {
    const { id, type, article } = JSON.parse(new TextDecoder().decode(content))
    const isSale = /^[0-9a-f-]{36}$/.test(id) && type === 'Sold' && typeof article === 'string'
    if (isSale) return { kind: 'event', event: { id, type, article } }
  } catch {} // no JSON
  return { kind: 'invalid', reason: 'no-sale', error: 'not a sale' }
}

await (process.argv[2] === 'shop' ? shop() : warehouse())
process.exit()
