import pg from 'pg'
import { backoffMs } from '../backoff.ts'
import type { Logger } from '../logger.ts'
import { pause } from '../pause.ts'
import { connectionOptions } from './connect.ts'
import { SessionClient } from './session.ts'

export interface Listening {
  name: string
  url: string
  channel: string
  logger: Logger
  /** A notification came. It is a hint, never a fact: any role can send one. */
  onNotify: (payload: string) => void
  /** The channel is heard (again); what happened in the last `deafMs` may have been missed: read it. */
  onListen?: (deafMs: number) => void
  /** The connection has answered: whatever was told before has been heard. */
  onAlive?: () => void
  /** Between two heartbeats; a connection that misses two is given up. */
  heartbeatMs?: number
}

/** How long the answer to a heartbeat may take. */
const answerTimeoutMs = 1_500
/**
 * Also frees what everybody has read of the queue that all NOTIFY of a server share. PostgreSQL
 * itself does so only while it is written to: a queue that was full once stays it, and every
 * transaction with a NOTIFY fails, until somebody calls this function (measured on 18).
 */
const heartbeat = 'SELECT pg_notification_queue_usage() AS heartbeat'

/**
 * Hears NOTIFY on a connection of its own, reconnecting for ever, until closed.
 *
 * A half-open connection reports nothing for minutes, so a heartbeat travels over it: detection
 * within two intervals.
 */
export function listen(listening: Listening) {
  const stop = new AbortController()
  const done = run(listening, stop.signal)
  return {
    close: async () => {
      stop.abort()
      await done
    },
  }
}

async function run(listening: Listening, signal: AbortSignal): Promise<void> {
  let failures = 0
  let heardAtMs = performance.now()
  const heard = () => {
    failures = 0
    heardAtMs = performance.now()
  }
  const onListen = () => {
    const deafMs = performance.now() - heardAtMs
    heard()
    listening.onListen?.(deafMs)
  }
  while (!signal.aborted) {
    try {
      await listenOnce({ ...listening, onListen, heard }, signal)
    } catch (error) {
      if (failures === 0) listening.logger.warn({ err: error }, 'LISTEN was lost, reconnecting')
      await pause(backoffMs(failures++), signal)
    }
  }
}

/** One connection, from connect to its end. Returns when told to stop, throws when it is lost. */
async function listenOnce(
  listening: Listening & { onListen: () => void; heard: () => void },
  signal: AbortSignal,
) {
  const { name, url, channel, onNotify, onListen, onAlive, heard, heartbeatMs = 2_000 } = listening
  const client = new SessionClient({
    ...connectionOptions(`${name} listen`, url),
    query_timeout: Math.min(heartbeatMs, answerTimeoutMs),
  })
  const life = new AbortController()
  const either = AbortSignal.any([signal, life.signal])
  client.on('end', () => life.abort())
  client.on('notification', ({ payload }) => onNotify(payload ?? ''))
  try {
    await client.connect()
    await client.query(`LISTEN ${pg.escapeIdentifier(channel)}`)
    onListen()
    while (!signal.aborted) {
      await pause(heartbeatMs, either)
      if (life.signal.aborted && !signal.aborted) throw new Error('The connection ended')
      if (signal.aborted) return
      await client.query(heartbeat)
      heard()
      onAlive?.()
    }
  } finally {
    await disconnect(client)
  }
}

/** A server that does not answer must not hold us up: the socket is cut after a moment. */
async function disconnect(client: pg.Client): Promise<void> {
  const cut = setTimeout(() => client.connection.stream.destroy(), 500)
  await client.end().catch(() => {})
  clearTimeout(cut)
}
