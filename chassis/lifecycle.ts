import { flushCompileCache } from 'node:module'
import { Health } from '#http/health.ts'
import { assertSecureStart, insecureWarnings } from '#principal/secure-start.ts'
import { loadTracing } from '#tracing/load.ts'
import type { Tracing } from '#tracing/tracing.ts'
import { authMode, integer, logLevel, readConfig, text, type Variable } from './config.ts'
import { createLogger, type Logger, withoutLogins } from './logger.ts'
import { Resources } from './resources.ts'

/** The environment variables of every process. */
interface CommonConfig {
  host: string
  port: number
  logLevel: string
  authMode: string
}

const commonVariables: { [K in keyof CommonConfig]: Variable<CommonConfig[K]> } = {
  host: text('HOST', '127.0.0.1'),
  port: integer('PORT', { max: 65_535, fallback: 3_000 }),
  logLevel,
  authMode,
}

export interface Service<Config> {
  name: string
  config: Config & CommonConfig
  logger: Logger
  resources: Resources
  health: Health
  /** Aborted on SIGTERM or SIGINT: accept no more work, finish what is in progress, return. */
  signal: AbortSignal
  /** Undefined when tracing is off. */
  tracing: Tracing | undefined
  /** Exits with 78 if a precondition fails. */
  requireOrExit: (condition: Promise<void>) => void
}

/** How long stopping may take before the process gives up and exits. */
const stopDeadlineMs = 10_000

/**
 * Runs a process from start to end: `main` opens its resources, and returns when its work is done.
 * For most processes that is when the signal is aborted.
 *
 * SIGTERM or SIGINT: not ready any more, stop, close in reverse order, exit 0; after 10 s, or at a
 * second signal, at once with 1. Wrong configuration, of ours or of a server: every fault is
 * printed, exit 78 (EX_CONFIG of sysexits.h). Anything else that `main` throws: logged, exit 1; a
 * supervisor restarts it.
 */
export async function runService<Config extends Record<string, unknown>>(
  name: string,
  variables: { [K in keyof Config]: Variable<Config[K]> },
  main: (service: Service<Config>) => Promise<void>,
): Promise<void> {
  flushCompileCache() // otherwise written at a normal exit only, and never after a kill
  const config = readOrExit<Config & CommonConfig>({ ...commonVariables, ...variables } as never)
  const traces = await loadTracing(process.env).catch(refuseToRun)
  const logger = createLogger(name, config.logLevel, traces?.logFields)
  const resources = new Resources()
  const tracing = traces && resources.use(traces.open(name, logger)) // closed last
  const health = new Health()
  const signal = stopSignal(logger)
  health.check('running', () => !signal.aborted)
  for (const warning of insecureWarnings(config)) logger.warn(warning)
  try {
    const requireOrExit = (condition: Promise<void>) => void condition.catch(refuseToRun)
    await main({ name, config, logger, resources, health, signal, tracing, requireOrExit })
  } catch (error) {
    logger.fatal({ err: error }, 'the process cannot continue')
    process.exitCode = 1
    setTimeout(() => process.exit(), stopDeadlineMs).unref()
  }
  await resources.closeAll(logger)
  logger.info('stopped')
  process.exit() // rascal keeps a timer for a connection that was lost during its close
}

function readOrExit<T extends Record<string, unknown>>(
  variables: { [K in keyof T]: Variable<T[K]> },
): T {
  try {
    const config = readConfig<T>(process.env, variables)
    assertSecureStart(config, process.env)
    return config
  } catch (error) {
    return refuseToRun(error as Error)
  }
}

function refuseToRun({ message }: Error): never {
  process.stderr.write(`${withoutLogins(message)}\n`)
  process.exit(78)
}

function stopSignal(logger: Logger): AbortSignal {
  const stop = new AbortController()
  const onSignal = (name: string) => {
    if (stop.signal.aborted) process.exit(1)
    logger.info({ signal: name }, 'stopping')
    stop.abort()
    const giveUp = () => {
      logger.error('stopping took too long')
      process.exit(1)
    }
    setTimeout(giveUp, stopDeadlineMs).unref()
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return stop.signal
}
