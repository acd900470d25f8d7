import { randomUUID } from 'node:crypto'
import { type QueryExecutorProvider, sql } from 'kysely'
import type { ProcessName } from '#local/stack/ports.ts'
import { eventually } from '#testing/eventually.ts'
import type { System } from '../system.ts'
import { queueOf, settledEvent } from './messages.ts'

/**
 * A message that a consumer had in hand comes again, and is handled by itself. It is sent to the
 * queue itself, unless told otherwise.
 */
export const letComeAgain = (
  system: System,
  process: ProcessName,
  signal?: AbortSignal,
  route?: Route,
) => standInTheWay(system, process, { route, signal })

/** The same, and somebody holds a lock that it needs, for longer than a lock is waited for. */
export const letTimeOut = (system: System, process: ProcessName, signal?: AbortSignal) =>
  standInTheWay(system, process, {
    signal,
    meanwhile: async (eventId) => {
      const isUncounted = async () => (await attemptsAt(system, process, eventId))?.started === 0
      await eventually(async () => signal?.aborted || isUncounted(), { timeoutMs: 10_000 })
    },
  })

/** The same, and the database ends the session in which it is handled. */
export const letLoseItsSession = (system: System, process: ProcessName, signal?: AbortSignal) =>
  standInTheWay(system, process, {
    signal,
    meanwhile: async (eventId, trx) => {
      const isCounted = async () => (await attemptsAt(system, process, eventId))?.started === 1
      const isWaiting = async () => (await isCounted()) && isAnybodyWaitingFor(trx)
      await eventually(async () => signal?.aborted || isWaiting(), { timeoutMs: 10_000 })
      await sql`
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))`.execute(trx)
    },
  })

/** An event that needs a row which somebody else has locked, until it was put aside. */
export async function letDefer(
  system: System,
  process: ProcessName,
  signal?: AbortSignal,
): Promise<void> {
  const event = await settledEvent(system, process)
  if (!event) return
  const id = randomUUID()
  const { db, rows } = databaseOf(system, process)
  const trx = await db.startTransaction().execute()
  try {
    const [table, key] =
      process === 'payments-consumer' ? ['accounts', 'user_id'] : ['orders', 'order_id']
    await sql`
      SELECT FROM ${sql.table(table)} WHERE ${sql.ref(key)} = ${event.data[key]} FOR UPDATE`.execute(
      trx,
    )
    await system.broker.publish(
      { routingKey: queueOf(process).queue },
      { ...event, id },
      { messageId: id },
    )
    const isDeferred = async () =>
      signal?.aborted ||
      (await rows(sql`SELECT FROM deferred_events WHERE event_id = ${id}`)).length
    await eventually(isDeferred, { timeoutMs: 5_000 })
  } finally {
    await trx.rollback().execute()
  }
  const isBack = async () =>
    signal?.aborted || (await rows(sql`SELECT FROM inbox WHERE event_id = ${id}`)).length
  await eventually(isBack, { timeoutMs: 5_000 })
}

interface Route {
  exchange?: string
  routingKey: string
}

interface Standing {
  route?: Route | undefined
  /** What the other one does before it makes way. */
  meanwhile?: (eventId: string, trx: QueryExecutorProvider) => Promise<unknown>
  /** Whatever is waited for is waited for no longer. */
  signal?: AbortSignal | undefined
}

/**
 * An event that somebody else is handling, so that it waits in the hands of the consumer, which is
 * cut off.
 */
async function standInTheWay(
  system: System,
  process: ProcessName,
  { route = { routingKey: queueOf(process).queue }, meanwhile, signal }: Standing,
): Promise<void> {
  const event = await settledEvent(system, process)
  if (!event) return
  const id = `00000000${randomUUID().slice(8)}` // the first of its batch, which so holds no locks
  const trx = await databaseOf(system, process).db.startTransaction().execute()
  try {
    await sql`INSERT INTO inbox (event_id, event_type) VALUES (${id}, '')`.execute(trx)
    await system.broker.publish(route, { ...event, id }, { messageId: id })
    const isInHand = async () => signal?.aborted || isAnybodyWaitingFor(trx)
    await eventually(isInHand, { timeoutMs: 5_000 })
    system.fleet.cut(process)
    await meanwhile?.(id, trx)
  } finally {
    await trx.rollback().execute()
  }
}

/** An event that fails by itself, once or more often. */
export async function letFail(
  system: System,
  process: ProcessName,
  signal?: AbortSignal,
): Promise<void> {
  const event = await settledEvent(system, process)
  if (!event) return
  const id = randomUUID()
  const { rows } = databaseOf(system, process)
  await rows(sql`
    CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'as planned'; END $$`)
  await rows(sql`
    CREATE OR REPLACE TRIGGER failing BEFORE INSERT ON inbox FOR EACH ROW
    WHEN (NEW.event_id = ${sql.lit(id)}) EXECUTE FUNCTION fail()`)
  try {
    const to = { routingKey: queueOf(process).queue }
    await system.broker.publish(to, { ...event, id }, { messageId: id })
    const hasFailed = async () => (await attemptsAt(system, process, id))?.finished
    await eventually(async () => signal?.aborted || hasFailed(), { timeoutMs: 5_000 })
  } finally {
    await eventually(() => rows(sql`DROP TRIGGER IF EXISTS failing ON inbox`))
  }
}

const databaseOf = ({ orders, payments }: System, process: ProcessName) =>
  process === 'payments-consumer' ? payments : orders

async function attemptsAt(system: System, process: ProcessName, eventId: string) {
  const [attempts] = await databaseOf(system, process).rows(
    sql<{
      started: number
      finished: number
    }>`SELECT started, finished FROM attempts WHERE event_id = ${eventId}`,
  )
  return attempts
}

/**
 * For a lock of this transaction: `pg_stat_activity` would stay as the transaction first saw it.
 */
async function isAnybodyWaitingFor(trx: QueryExecutorProvider): Promise<boolean> {
  const { rows } = await sql`
    SELECT FROM pg_locks
    WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))`.execute(trx)
  return rows.length > 0
}
