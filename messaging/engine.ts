import { connectDatabase, type Database, type DatabaseOptions } from '#chassis/database/connect.ts'
import { checkServer } from '#chassis/database/server-check.ts'
import { createLogger, type Logger } from '#chassis/logger.ts'
import { Resources } from '#chassis/resources.ts'
import { withTimeout } from '#chassis/timeout.ts'
import type { Installation } from './broker/installation.ts'
import { ownInstallation } from './installation.ts'
import { type Loop, turnLimitMs, watchedLoop } from './loop.ts'
import type { Observer } from './observer.ts'
import type { EventTracing } from './tracing.ts'

/** The options that relay and consumer have in common. */
export interface EngineOptions {
  databaseUrl: string
  /** Of a node of RabbitMQ, or of several nodes of a cluster, with commas. */
  brokerUrl: string
  /** The name of the connections, in pg_stat_activity and in the RabbitMQ UI. */
  name?: string
  /** Aborted: claim and consume no more, finish what is in progress, return. */
  signal?: AbortSignal
  /** JSON lines on standard output by default. */
  logger?: Logger
  /** Called once for each part of the readiness. A check throws, or rejects, while not ready. */
  health?: { check: (name: string, check: () => unknown) => void }
  /**
   * The service that must own the database. Compared with the table `installation`, whose id also
   * claims the virtual host of RabbitMQ. Without it, neither is checked, and the table is not
   * needed.
   */
  service?: string
  /**
   * Gets each precondition: a promise that rejects if it fails. By default the engine then stops,
   * and its promise rejects.
   */
  requireOrExit?: (condition: Promise<void>) => void
  /** Measures what the engine does. */
  observer?: Observer
  /** Not ready any more when a loop has not completed a turn for so long: 30 s by default. */
  turnLimitMs?: number
  /** For traces: nothing is traced by default. */
  tracing?: EventTracing | undefined
}

/** What relay and consumer work with. */
export interface Opened<Tables> {
  name: string
  db: Database<Tables>
  logger: Logger
  signal: AbortSignal
  health: NonNullable<EngineOptions['health']>
  installation: Installation | undefined
  /** For a precondition: see `requireOrExit`. */
  mustHold: (condition: Promise<void>) => void
  observer: Observer
  /** A loop of this name, in the readiness; `pauseMs` is the longest pause between two turns. */
  watch: (name: string, pauseMs?: number) => Loop
  /** Closed in reverse order when the work is over. */
  use: Resources['use']
}

/** A bit longer than a subscription needs to finish its unacknowledged messages. */
const closeTimeoutMs = 6_000

/**
 * Opens the database of an engine, works until the signal is aborted, and closes everything that it
 * opened. A rejected work or precondition stops the engine and rejects its promise.
 */
export async function withEngine<Tables>(
  { databaseUrl: url, ...options }: EngineOptions & Pick<DatabaseOptions, 'lockTimeoutMs'>,
  defaultName: string,
  work: (opened: Opened<Tables>) => Promise<unknown>,
): Promise<void> {
  const { name = defaultName, lockTimeoutMs, service } = options
  const { logger = createLogger(name), health = { check: () => {} }, observer = {} } = options
  const { signal, mustHold, assertMet, stop } = preconditions(options)
  const resources = new Resources()
  const use: Resources['use'] = (resource) => resources.use(resource)
  const db = use(
    connectDatabase<Tables>({ name, url, ...(lockTimeoutMs !== undefined && { lockTimeoutMs }) }),
  )
  try {
    mustHold(checkServer(db, signal, logger))
    const installation =
      service === undefined ? undefined : ownInstallation(db, service, { logger, signal, mustHold })
    observer.database?.(db)
    const limitMs = options.turnLimitMs ?? turnLimitMs
    const watch = (loop: string, pauseMs = 0) =>
      watchedLoop(loop, { health, observer }, limitMs + pauseMs)
    await work({ name, db, logger, signal, health, installation, mustHold, observer, watch, use })
    assertMet()
  } catch (error) {
    stop(error)
    throw error
  } finally {
    await withTimeout(closeTimeoutMs, 'closing', resources.closeAll(logger)).catch((error) =>
      logger.warn({ err: error }, 'not all was closed'),
    )
  }
}

/**
 * Without a `requireOrExit` of the caller, a failed precondition stops the work and is thrown at
 * its end.
 */
function preconditions({ signal, requireOrExit }: Pick<EngineOptions, 'signal' | 'requireOrExit'>) {
  const unmet = new AbortController()
  const stop = (error: unknown) => unmet.abort(error)
  const stopUnless = (condition: Promise<void>) => void condition.catch(stop)
  return {
    signal: AbortSignal.any([unmet.signal, ...(signal ? [signal] : [])]),
    mustHold: requireOrExit ?? stopUnless,
    stop,
    assertMet: () => {
      if (unmet.signal.aborted) throw unmet.signal.reason
    },
  }
}
