import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GetMessage } from 'amqplib'
import { type RawBuilder, sql } from 'kysely'
import { connectDatabase, type Database } from '#chassis/database/connect.ts'
import { exchanges } from '#contracts/topology.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { sharedContentType } from '#messaging/broker/shared-message.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { openVhost, type TestBroker } from '#testing/broker.ts'
import { createEmptyDatabase, dropDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { postgresServer } from '#testing/servers.ts'
import { Load } from '../crash/load.ts'
import { judgeSettled } from '../crash/system.ts'
import { Clients } from '../judge/clients.ts'
import { History } from '../judge/history.ts'
import type { Verdict } from '../judge/verdict.ts'
import { Deployment, type Urls } from './deployment.ts'

/** Empty servers, a deployment on them in which nothing runs yet, and a load that waits. */
export interface Scene extends AsyncDisposable {
  deployment: Deployment
  urls: Urls
  broker: TestBroker
  load: Load
  /** Waits until clients have placed so many more orders. */
  orders: (count: number) => Promise<void>
  /** Waits until all events that are published by now have been handled. */
  published: () => Promise<void>
  /** How many messages with several events were published until now. */
  sharedMessages: () => Promise<number>
  /** Waits until nothing is on its way, and judges. */
  judge: () => Promise<Verdict>
}

const settleMs = 120_000
const witness = 'upgrade-test.witness'

export async function openScene(): Promise<Scene> {
  await using opened = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-upgrade-'))
  opened.defer(() => removeState(dir))
  const orders = await openEmptyDatabase<OrdersDatabase>('orders')
  opened.use(orders)
  const payments = await openEmptyDatabase<PaymentsDatabase>('payments')
  opened.use(payments)
  const { broker, close } = await openVhost()
  opened.defer(close)
  const urls = { ordersDatabase: orders.url, paymentsDatabase: payments.url, broker: broker.url }
  const deployment = await Deployment.open(dir, urls)
  const history = new History()
  const doors = {
    orders: deployment.addressOf('orders-api'),
    payments: deployment.addressOf('payments-api'),
  }
  const load = new Load(history, new Clients(history, doors), doors)
  opened.defer(() => deployment.close())
  opened.defer(() => load.close())
  await watchExchanges(broker)
  let shared = 0
  const owned = opened.move()
  return {
    ...{ deployment, urls, broker, load },
    orders: async (count) => {
      const until = load.orderIds.length + count
      await eventually(() => load.orderIds.length >= until, { timeoutMs: settleMs })
    },
    published: async () => {
      const sent = [await publishedIn(orders.db), await publishedIn(payments.db)] as const
      const areHandled = async () =>
        (await areInInbox(payments.db, sent[0])) && (await areInInbox(orders.db, sent[1]))
      await eventually(areHandled, { timeoutMs: settleMs, everyMs: 200 })
    },
    sharedMessages: async () => {
      shared += (await broker.drain(witness)).filter(isShared).length
      return shared
    },
    judge: () => judgeSettled({ orders, payments, broker, history, load }, settleMs),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

const isShared = ({ properties }: GetMessage) => properties.contentType === sharedContentType

/** A queue that gets a copy of every message. */
async function watchExchanges(broker: TestBroker): Promise<void> {
  const channel = broker.channel()
  await channel.assertQueue(witness)
  for (const exchange of Object.values(exchanges)) {
    await channel.assertExchange(exchange, 'topic')
    await channel.bindQueue(witness, exchange, '#')
  }
}

let count = 0

async function openEmptyDatabase<Tables>(service: string) {
  const name = `upgrade_${service}_${process.pid}_${++count}`
  await createEmptyDatabase(name)
  const url = (await postgresServer()).url(name)
  const db = connectDatabase<Tables>({ name: 'test', url, poolSize: 3 })
  const close = async () => {
    await db.close()
    await dropDatabase(name)
  }
  return { url, db, [Symbol.asyncDispose]: close }
}

type Either = Database<OrdersDatabase> | Database<PaymentsDatabase>

const idsOf = async (db: Either, statement: RawBuilder<{ event_id: string }>) =>
  (await statement.execute(db)).rows.map(({ event_id }) => event_id)

const publishedIn = (db: Either) =>
  idsOf(db, sql`SELECT event_id FROM outbox WHERE published_at IS NOT NULL`)

const areInInbox = async (db: Either, ids: string[]): Promise<boolean> => {
  const found = await idsOf(
    db,
    sql`SELECT event_id FROM inbox WHERE event_id = ANY (${ids}::uuid[])`,
  )
  return found.length === ids.length
}
