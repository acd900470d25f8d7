import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { createEvent } from '#contracts/events.ts'
import { pause, until } from '#local/supervisor/waiting.ts'
import { finalWithin } from './cell.ts'
import { type CrashLoop, latenessOf, maxCrashes } from './crash-loop-faults.ts'
import { crashesIn, crashingUser } from './crashing-requests.ts'
import type { Field } from './field.ts'
import { wakeToBatch } from './frozen-batch.ts'
import { readOrderTimes } from './rows.ts'
import type { Scene } from './run.ts'
import type { System } from './system.ts'

/** The supervisor counts the crashes of what has run for ten seconds from one again. */
const healthyAfterMs = 10_500

/**
 * The first crash is that of a healthy consumer; ends when the message is dead-lettered and all is
 * final.
 */
export async function crashInLoop(field: Field, scene: Scene, at: number): Promise<CrashLoop> {
  const { system } = field
  await until(() => system.isReady('payments-consumer'), { timeoutMs: 60_000 })
  await pause(healthyAfterMs)
  const messageId = randomUUID()
  const crashing = { kind: 'message that crashes its consumer', content: crashingRequest() }
  const wokenAtMs = await wakeToBatch(field, scene, { at, messageId, ...crashing })
  const crashes = () => crashesIn(system.dir).filter((atMs) => atMs >= wokenAtMs)
  // To look for the letter keeps the broker busy; the crashes are in a file.
  await until(() => crashes().length >= maxCrashes, { timeoutMs: 10_000 })
  const letter = await letterOf(system, messageId)
  const overAtMs = Date.now()
  const isOver = await finalWithin(field, 60_000, crashing.kind)
  return {
    isOver,
    wokenAtMs,
    crashes: crashes(),
    letter,
    lateMs: latenessOf(await readOrderTimes(system.databases.orders), wokenAtMs, overAtMs),
  }
}

/** Of an order that nobody placed: it must never be decided. */
function crashingRequest(): string {
  const data = { order_id: randomUUIDv7(), user_id: crashingUser, amount: '0.01' }
  const stamp = { id: randomUUIDv7(), time: new Date() }
  return JSON.stringify(createEvent({ type: 'PaymentRequested', data }, stamp))
}

/** What the dead letter says, as soon as it is there; it stays there for the verdict. */
async function letterOf({ broker }: System, messageId: string): Promise<CrashLoop['letter']> {
  const order = { count: 500, ackmode: 'ack_requeue_true', encoding: 'auto', truncate: 100 }
  let letter: CrashLoop['letter']
  const isThere = async () => {
    const got = await broker
      .manage('POST', '/queues/%2F/payments-consumer.dlq/get', order)
      .catch(() => []) // it is just busy
    const found = (got as DeadLetter[]).find(
      ({ properties }) => properties.message_id === messageId,
    )
    const { 'dead-letter-reason': reason, attempts } = found?.properties.headers ?? {}
    if (found) letter = { reason, attempts, seenAtMs: Date.now() }
    return found !== undefined
  }
  await until(isThere, { timeoutMs: 30_000, everyMs: 250 })
  return letter
}

interface DeadLetter {
  properties: { message_id?: string; headers?: Record<string, unknown> }
}
