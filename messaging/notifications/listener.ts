import pg from 'pg'
import { backoffMs } from '#chassis/backoff.ts'
import { connectionOptions, type Database } from '#chassis/database/connect.ts'
import { SessionClient } from '#chassis/database/session.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { type Lane, Loop } from '../loop.ts'
import type { Observer } from '../observer.ts'
import { answerTimeoutMs, NotificationProbe, sendProbe } from './probe.ts'

export interface Listening<Tables> {
  name: string
  url: string
  /** A pool of connections to the same database: with each heartbeat it sends a probe. */
  db?: Database<Tables>
  /** A probe that the caller sends, over another connection to the same database. */
  probe?: NotificationProbe
  channel: string
  logger: Logger
  /** A notification came. It is a hint, never a fact: any role can send one. */
  onNotify: (payload: string) => void
  /**
   * LISTEN has begun (again); the notifications of the last `disconnectedMs` may have been missed:
   * read again.
   */
  onListen?: (disconnectedMs: number) => void
  /** Called at each failed reconnect, so that the caller polls instead. */
  onDisconnected?: (disconnectedMs: number) => void
  /** A probe has arrived: so has every notification that was sent before it. */
  onAlive?: () => void
  /** Between two heartbeats. */
  heartbeatMs?: number
  observer?: Pick<Observer, 'loop' | 'notified'> | undefined
  /** Not listening any more when no heartbeat was answered for so long: 30 s by default. */
  turnLimitMs?: number
}

/**
 * Also frees the part of the server's NOTIFY queue that every listener has read. PostgreSQL itself
 * does so only when a NOTIFY is written: a queue that was full once stays full, and every
 * transaction with a NOTIFY fails, until this function is called (measured on 18).
 */
const heartbeat = '/* heartbeat */ SELECT pg_notification_queue_usage() AS heartbeat'

/**
 * Listens on a connection of its own, reconnecting for ever, until closed.
 *
 * A half-open connection reports nothing for minutes, and a pooler or proxy may drop notifications
 * on a connection that answers. So with each heartbeat a statement must be answered, and each probe
 * that was sent over another connection must have arrived. A loss is noticed within 5 s of the next
 * probe.
 */
export function listen<Tables>(listening: Listening<Tables>) {
  const stop = new AbortController()
  const state = { isListening: false }
  const loop = new Loop('listen', listening.turnLimitMs)
  listening.observer?.loop?.(loop)
  const outage = new Outage({ logger: listening.logger, what: 'not listening for notifications' })
  const done = run({ ...listening, lane: loop.lane() }, outage, state, stop.signal)
  return {
    /** Whether a probe has arrived on this session, and the session was not lost since. */
    isListening: () => state.isListening,
    /** For a readiness check: throws the reason unless it is listening. */
    assertListening: () => {
      outage.assertOver()
      loop.assertTurning()
      if (!state.isListening) throw new Error('no probe has arrived yet')
    },
    close: async () => {
      stop.abort()
      await done
    },
  }
}

async function run<Tables>(
  listening: Listening<Tables> & { lane: Lane },
  outage: Outage,
  state: { isListening: boolean },
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  let lastHeartbeatAtMs = performance.now()
  /** Returns the gap since the last heartbeat, and resets it. */
  const takeDisconnectedMs = () => {
    const disconnectedMs = performance.now() - lastHeartbeatAtMs
    lastHeartbeatAtMs = performance.now()
    return disconnectedMs
  }
  const onListen = () => listening.onListen?.(takeDisconnectedMs())
  const onAlive = () => {
    failures = 0
    takeDisconnectedMs()
    state.isListening = true
    outage.over()
    listening.onAlive?.()
  }
  while (!signal.aborted) {
    try {
      await listenOnce({ ...listening, onListen, onAlive }, signal)
    } catch (error) {
      state.isListening = false
      outage.failed(error)
      if (failures > 0) listening.onDisconnected?.(takeDisconnectedMs())
      await pause(backoffMs(failures++), signal)
    }
  }
}

/** One connection, from connect to its end. Returns when told to stop, throws when it is lost. */
async function listenOnce<Tables>(
  listening: Listening<Tables> & { lane: Lane; onListen: () => void; onAlive: () => void },
  signal: AbortSignal,
) {
  const { name, url, channel, onNotify, onListen, onAlive, heartbeatMs = 2_000 } = listening
  const { db, probe = new NotificationProbe(), observer, lane } = listening
  const client = new SessionClient({
    ...connectionOptions(`${name} listen`, url),
    query_timeout: Math.min(heartbeatMs, answerTimeoutMs),
  })
  const closed = new AbortController()
  const closedOrStopping = AbortSignal.any([signal, closed.signal])
  closedOrStopping.addEventListener('abort', () => probe.abandon(), { once: true })
  client.on('end', () => closed.abort())
  client.on('notification', ({ channel: name, payload = '' }) => {
    if (name !== probe.channel) return onNotify(payload)
    const lagMs = probe.receive(payload)
    if (lagMs !== undefined) observer?.notified?.(lagMs)
  })
  try {
    await client.connect()
    for (const each of [probe.channel, channel]) {
      await client.query(`LISTEN ${pg.escapeIdentifier(each)}`)
    }
    probe.restart()
    onListen()
    while (!signal.aborted) {
      await Promise.all([db && sendProbe(db, probe), client.query(heartbeat)])
      if (await probe.hasProved()) onAlive()
      lane.turned()
      await pause(heartbeatMs, closedOrStopping)
      if (closed.signal.aborted && !signal.aborted) throw new Error('The connection ended')
    }
  } finally {
    await disconnect(client)
  }
}

/** Closes gracefully; the socket of a server that does not answer is destroyed after 0.5 s. */
async function disconnect(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), 500)
  await client.end().catch(() => {})
  clearTimeout(timer)
}
