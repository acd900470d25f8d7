import { pendingList } from '#tables/orders.ts'
import { eventually } from '#testing/eventually.ts'
import { paymentRequests } from './requests.ts'
import { execute } from './servers.ts'

const chunk = 20_000

/** So many orders of the last ten minutes, as orders-api has left them for a relay that waits. */
export async function fillBacklog(ordersUrl: string, size: number): Promise<void> {
  for (let first = 0; first < size; first += chunk) {
    const events = paymentRequests(Math.min(chunk, size - first), 1_000)
    const age = `interval '10 minutes' * (1 - (${first} + n) / ${size}.0)`
    await execute(
      ordersUrl,
      `WITH event AS (
         SELECT *, now() - ${age} AS at
         FROM unnest($1::uuid[], $2::jsonb[]) WITH ORDINALITY AS event (id, payload, n)),
       placed AS (
         INSERT INTO orders (order_id, user_id, amount, request_id, created_at, updated_at, timeout_starts_at)
         SELECT (payload -> 'data' ->> 'order_id')::uuid, payload -> 'data' ->> 'user_id',
                (payload -> 'data' ->> 'amount')::numeric, id, at, at, at
         FROM event)
       INSERT INTO outbox (event_id, event_type, payload_json, created_at, next_attempt_at)
       SELECT id, 'PaymentRequested', payload, at, at FROM event`,
      [events.map(({ id }) => id), events.map((event) => JSON.stringify(event))],
    )
  }
  await execute(ordersUrl, 'VACUUM (ANALYZE) orders, outbox')
  await execute(ordersUrl, 'CHECKPOINT')
}

/** Resolves when no order is pending and no event waits: of requests that were repeated, too. */
export const untilFinal = (ordersUrl: string) =>
  eventually(
    async () => {
      const [found] = await execute<{ waits: boolean }>(
        ordersUrl,
        `SELECT EXISTS (SELECT FROM orders WHERE status IN (${pendingList}))
             OR EXISTS (SELECT FROM outbox WHERE published_at IS NULL) AS waits`,
      )
      return found?.waits === false
    },
    { timeoutMs: 1_800_000, everyMs: 500 },
  )

/**
 * Orders a second: settled since the relay has begun, and charged from the first to the last. And
 * how many were requested again, since their answers took too long.
 */
export async function drainRates(urls: { ordersUrl: string; paymentsUrl: string }) {
  const [settled] = await execute<{ rate: number; retried: number }>(
    urls.ordersUrl,
    `SELECT (count(*) / extract(epoch FROM max(updated_at)
               - (SELECT min(published_at) FROM outbox)))::float8 AS rate,
            count(*) FILTER (WHERE request_attempts > 1)::int AS retried
     FROM orders`,
  )
  const [charged] = await execute<{ rate: number }>(
    urls.paymentsUrl,
    `SELECT (count(*) / extract(epoch FROM max(created_at) - min(created_at)))::float8 AS rate
     FROM ledger WHERE type = 'DEBIT'`,
  )
  const { rate = 0, retried = 0 } = settled ?? {}
  return { settled: rate, charged: charged?.rate ?? 0, retried }
}
