import { once } from 'node:events'
import { WebSocket } from 'ws'
import { eventually } from '#testing/eventually.ts'
import { bystanders } from './accept.ts'
import { now } from './clock.ts'
import { alternate, type Bench, type Figure, type Measurement, median } from './measurement.ts'
import { execute } from './servers.ts'
import { type System, startSystem } from './system.ts'

const large = 'user-of-many'
const small = 'user-of-few'
const fewOrders = 100

/**
 * A user with a million orders beside one with a hundred, while a million orders of others are
 * pending: the list, a subscription, and what is read again of a subscribed user when LISTEN was
 * lost.
 */
export const largeUser: Measurement = {
  name: 'large user',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { ordersUrl } = bench.servers
    const orders = bench.quick ? 100_000 : 1_000_000
    await using system = await startSystem(bench, { without: bystanders })
    bench.progress(`large user: writing ${orders.toLocaleString('en')} orders`)
    await fill(ordersUrl, { [large]: orders, [small]: fewOrders })
    const times = bench.quick ? 5 : 20
    const figures: Figure[] = []
    for (const [name, measure] of Object.entries(measures)) {
      const side = (user: string) => () => medianOf(times, () => measure(system, ordersUrl, user))
      const sides = { large: side(large), small: side(small) }
      const values = await alternate(bench, `large user, ${name}`, sides)
      figures.push(figureOf(name, orders, values))
    }
    await execute(ordersUrl, 'TRUNCATE orders')
    return figures
  },
}

/** Milliseconds of one try. */
type Measure = (system: System, ordersUrl: string, user: string) => Promise<number>

async function medianOf(times: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = []
  for (let time = 0; time < times; time++) values.push(await measure())
  return median(values)
}

/**
 * Paid orders of 30 days, and one of each user that is pending; with as many pending orders of
 * others.
 */
async function fill(url: string, counts: Record<string, number>): Promise<void> {
  for (const [user, count] of Object.entries(counts)) {
    const age = `interval '30 days' * (1 - n / ${count}.0)`
    await execute(
      url,
      `INSERT INTO orders (order_id, user_id, amount, status, created_at, updated_at, timeout_starts_at)
         SELECT uuidv7(-${age}), '${user}', 1.25, 'PAID', now() - ${age}, now() - ${age}, now() - ${age}
         FROM generate_series(1, ${count} - 1) AS n;
       INSERT INTO orders (order_id, user_id, amount) VALUES (uuidv7(), '${user}', 1.25)`,
    )
  }
  await execute(
    url,
    `INSERT INTO orders (order_id, user_id, amount)
     SELECT uuidv7(), 'user-' || n % 1000, 1.25 FROM generate_series(1, ${counts[large]}) AS n`,
  )
  await execute(url, 'VACUUM (ANALYZE) orders')
  await execute(url, 'CHECKPOINT')
}

const list: Measure = async ({ gateway }, _url, user) => {
  const startedAt = now()
  const answer = await fetch(`${gateway}/orders?user_id=${user}&limit=50`)
  const { items } = (await answer.json()) as { items: { user_id: string }[] }
  if (items.length !== 50) throw new Error(`the list of ${user} has ${items.length} orders`)
  return now() - startedAt
}

/** From the handshake to the pending order. */
const subscription: Measure = async ({ gateway }, _url, user) => {
  const startedAt = now()
  await using subscriber = await subscribe(gateway, user)
  return subscriber.servedAt - startedAt
}

/**
 * From the moment the process listens again to the push of an order that became final unheard; by
 * the clock of the machine, which is the database's, too.
 */
const catchUp: Measure = async ({ gateway }, ordersUrl, user) => {
  await using subscriber = await subscribe(gateway, user)
  const before = await listener(ordersUrl)
  const [order] = await execute<{ order_id: string }>(
    ordersUrl,
    `INSERT INTO orders (order_id, user_id, amount, status)
     VALUES (uuidv7(), '${user}', 1.25, 'PAID') RETURNING order_id`,
  )
  await execute(ordersUrl, `SELECT pg_terminate_backend(${before.pid})`)
  const pushedAt = await subscriber.pushOf(order?.order_id ?? '')
  const after = await eventually(async () => {
    const found = await listener(ordersUrl)
    return found.pid !== before.pid && found
  })
  return pushedAt - after.startedAt
}

const measures = { list, subscription, 'catch-up': catchUp }

/** The connection on which orders-api listens, and when it was opened. */
async function listener(ordersUrl: string): Promise<{ pid: number; startedAt: number }> {
  return eventually(async () => {
    const [found] = await execute<{ pid: number; startedAt: number }>(
      ordersUrl,
      `SELECT pid, extract(epoch FROM backend_start)::float8 * 1000 AS "startedAt"
       FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'orders-api listen'`,
    )
    return found
  })
}

/** Follows a user; has the pending order of the user when it resolves. */
async function subscribe(gateway: string, user: string) {
  const socket = new WebSocket(`${gateway.replace(/^http/, 'ws')}/orders/ws?user_id=${user}`)
  const pushes = new Map<string, number>()
  const first = Promise.withResolvers<number>()
  socket.on('message', (data) => {
    const { order_id, user_id } = JSON.parse(data.toString())
    if (user_id !== user) throw new Error(`a subscriber of ${user} got ${data}`)
    if (pushes.has(order_id)) throw new Error(`order ${order_id} was told twice`)
    pushes.set(order_id, Date.now())
    first.resolve(now())
  })
  await once(socket, 'open')
  return {
    servedAt: await first.promise,
    pushOf: (orderId: string): Promise<number> => eventually(() => pushes.get(orderId)),
    [Symbol.asyncDispose]: async () => {
      socket.close()
      await once(socket, 'close')
    },
  }
}

const figureOf = (
  name: string,
  orders: number,
  { large, small }: Record<'large' | 'small', number[]>,
): Figure => ({
  name: `large user, ${name}`,
  unit: `ms with ${orders.toLocaleString('en')} orders`,
  values: large,
  against: `the same of a user with ${fewOrders} orders`,
  limits: small,
  target: { ratioAtMost: 2 },
})
