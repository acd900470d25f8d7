import pg from 'pg'
import { backoffMs } from '#chassis/backoff.ts'
import { connectionOptions, type Database } from '#chassis/database/connect.ts'
import { SessionClient } from '#chassis/database/session.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { answerTimeoutMs, NotificationProbe, sendProbe } from './probe.ts'

export interface Listening<Tables> {
  name: string
  url: string
  /** Other connections to the same database: with each heartbeat a probe is sent over them. */
  db?: Database<Tables>
  /** Somebody else sends it, over another connection to the same database. */
  probe?: NotificationProbe
  channel: string
  logger: Logger
  /** A notification came. It is a hint, never a fact: any role can send one. */
  onNotify: (payload: string) => void
  /**
   * LISTEN has begun (again); what happened in the last `disconnectedMs` may have been missed: read
   * it.
   */
  onListen?: (disconnectedMs: number) => void
  /**
   * The same while LISTEN fails again and again: who reads now learns in seconds what nobody says.
   */
  onDisconnected?: (disconnectedMs: number) => void
  /** The session has proved that it hears: whatever was told before has been heard. */
  onAlive?: () => void
  /** Between two heartbeats. */
  heartbeatMs?: number
}

/**
 * Also frees what everybody has read of the queue that all NOTIFY of a server share. PostgreSQL
 * itself does so only while it is written to: a queue that was full once stays it, and every
 * transaction with a NOTIFY fails, until somebody calls this function (measured on 18).
 */
const heartbeat = 'SELECT pg_notification_queue_usage() AS heartbeat'

/**
 * Hears NOTIFY on a connection of its own, reconnecting for ever, until closed.
 *
 * A half-open connection reports nothing for minutes, and a pooler or proxy may drop notifications
 * on a connection that answers. So with each heartbeat a statement must be answered, and each probe
 * that is sent over another connection must arrive. A loss is noticed within 5 s of the next probe.
 */
export function listen<Tables>(listening: Listening<Tables>) {
  const stop = new AbortController()
  const state = { isListening: false }
  const outage = new Outage({ logger: listening.logger, what: 'LISTEN was lost' })
  const done = run(listening, outage, state, stop.signal)
  return {
    /** Whether the session has proved that it hears, and was not lost since. */
    isListening: () => state.isListening,
    /** For a readiness check: throws, saying why, unless it is so. */
    assertListening: () => {
      outage.assertOver()
      if (!state.isListening) throw new Error('LISTEN has not proved yet that it hears')
    },
    close: async () => {
      stop.abort()
      await done
    },
  }
}

async function run<Tables>(
  listening: Listening<Tables>,
  outage: Outage,
  state: { isListening: boolean },
  signal: AbortSignal,
): Promise<void> {
  let failures = 0
  let lastHeartbeatAtMs = performance.now()
  /**
   * For how long something may have been missed; whoever is told so reads it, so that it counts
   * once.
   */
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
  listening: Listening<Tables> & { onListen: () => void; onAlive: () => void },
  signal: AbortSignal,
) {
  const { name, url, channel, onNotify, onListen, onAlive, heartbeatMs = 2_000 } = listening
  const { db, probe = new NotificationProbe() } = listening
  const client = new SessionClient({
    ...connectionOptions(`${name} listen`, url),
    query_timeout: Math.min(heartbeatMs, answerTimeoutMs),
  })
  const life = new AbortController()
  const either = AbortSignal.any([signal, life.signal])
  either.addEventListener('abort', () => probe.abandon(), { once: true })
  client.on('end', () => life.abort())
  client.on('notification', (heard) => {
    const receive = heard.channel === probe.channel ? probe.receive.bind(probe) : onNotify
    receive(heard.payload ?? '')
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
      await pause(heartbeatMs, either)
      if (life.signal.aborted && !signal.aborted) throw new Error('The connection ended')
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
