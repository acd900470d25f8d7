import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { createEvent } from '#contracts/events.ts'
import { pause, until } from '#local/supervisor/waiting.ts'
import { finalWithin } from './cell.ts'
import { crashesIn, crashingUser } from './crashing-requests.ts'
import type { Field } from './field.ts'
import { wakeToBatch } from './frozen-batch.ts'
import { deathsMax, type Killing, latenessOf } from './killing.ts'
import { readOrderTimes } from './rows.ts'
import type { Scene } from './run.ts'
import type { System } from './system.ts'

/** The supervisor counts the deaths of what has run for ten seconds from one again. */
const healthyAfterMs = 10_500

/**
 * The first death is that of a healthy consumer; ends when the message is parked and all is final.
 */
export async function killOnce(field: Field, scene: Scene, at: number): Promise<Killing> {
  const { system } = field
  await until(() => system.isReady('payments-consumer'), { timeoutMs: 60_000 })
  await pause(healthyAfterMs)
  const messageId = randomUUID()
  const deadly = { kind: 'message that kills its consumer', content: deadlyRequest() }
  const wokenAtMs = await wakeToBatch(field, scene, { at, messageId, ...deadly })
  const deaths = () => crashesIn(system.dir).filter((atMs) => atMs >= wokenAtMs)
  // To look for the letter keeps the broker busy; the deaths are in a file.
  await until(() => deaths().length >= deathsMax, { timeoutMs: 10_000 })
  const letter = await letterOf(system, messageId)
  const overAtMs = Date.now()
  const isOver = await finalWithin(field, 60_000, deadly.kind)
  return {
    isOver,
    wokenAtMs,
    deaths: deaths(),
    letter,
    lateMs: latenessOf(await readOrderTimes(system.databases.orders), wokenAtMs, overAtMs),
  }
}

/** Of an order that nobody placed: it must never be decided. */
function deadlyRequest(): string {
  const data = { order_id: randomUUIDv7(), user_id: crashingUser, amount: '0.01' }
  const stamp = { id: randomUUIDv7(), time: new Date() }
  return JSON.stringify(createEvent({ type: 'PaymentRequested', data }, stamp))
}

/** What the dead letter says, as soon as it is there; it stays there for the verdict. */
async function letterOf({ broker }: System, messageId: string): Promise<Killing['letter']> {
  const order = { count: 500, ackmode: 'ack_requeue_true', encoding: 'auto', truncate: 100 }
  let letter: Killing['letter']
  const isThere = async () => {
    const got = await broker
      .manage('POST', '/queues/%2F/payments-consumer.dlq/get', order)
      .catch(() => []) // it is just busy
    const found = (got as Letter[]).find(({ properties }) => properties.message_id === messageId)
    const { 'dead-letter-reason': reason, attempts } = found?.properties.headers ?? {}
    if (found) letter = { reason, attempts, seenAtMs: Date.now() }
    return found !== undefined
  }
  await until(isThere, { timeoutMs: 30_000, everyMs: 250 })
  return letter
}

interface Letter {
  properties: { message_id?: string; headers?: Record<string, unknown> }
}
