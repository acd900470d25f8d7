import { join } from 'node:path'
import { overriding } from '#chassis/config.ts'
import { bundle, bundleOf } from '../bundle/bundle.ts'
import { answersOk } from '../supervisor/probe.ts'
import type { Program } from '../supervisor/program.ts'
import { repositoryDir } from './paths.ts'
import { type ProcessName, processNames, processPort } from './ports.ts'
import type { ServerUrls, Settings } from './settings.ts'

/**
 * A small young generation, since few objects are short-lived; and a heap that grows slowly. Errors
 * name the lines of the sources. The Dockerfile has the same flags.
 */
export const nodeFlags = [
  '--max-semi-space-size=4',
  '--heap-growing-percent=30',
  '--enable-source-maps',
]

/** The environment of Node itself. */
export const nodeEnvironment = {
  /** A restarted process finds its code stripped and compiled. */
  NODE_COMPILE_CACHE: join(repositoryDir, 'node_modules/.cache/compile'),
  /** All threads share one arena of glibc's malloc. The Dockerfile has this variable, too. */
  MALLOC_ARENA_MAX: '1',
}

const bundleDir = join(repositoryDir, 'node_modules/.cache/bundles')

/**
 * Bundles all processes if a source has changed; then `processCommand` can run them. Others may do
 * the same at the same time.
 */
export const bundleProcesses = (): Promise<void> => bundle(processNames, repositoryDir, bundleDir)

/** How a process is run: its bundle, or its source. */
export const processCommand = (name: ProcessName, fromSource: boolean, flags: string[] = []) => [
  process.execPath,
  ...nodeFlags,
  ...flags,
  fromSource ? `${name}/main.ts` : bundleOf(bundleDir, name),
]

type ProcessSettings = Pick<Settings, 'paths' | 'ports' | 'scale' | 'logLevel' | 'fromSource'>

/** The programs of the six processes, with the replicas of the scale. */
export function processPrograms(
  settings: ProcessSettings,
  urlsOf: (name: ProcessName) => ServerUrls,
): Program[] {
  return processNames.flatMap((name) =>
    Array.from({ length: settings.scale[name] }, (_, index) =>
      processProgram(settings, urlsOf(name), name, index + 1),
    ),
  )
}

function processProgram(
  { paths, ports, logLevel, fromSource }: ProcessSettings,
  urls: ServerUrls,
  name: ProcessName,
  replica: number,
): Program {
  const port = processPort(ports.base, name, replica)
  const fullName = replica === 1 ? name : `${name}.${replica}`
  const readyUrl = `http://127.0.0.1:${port}/readyz`
  return {
    name: fullName,
    address: `127.0.0.1:${port}`,
    command: processCommand(name, fromSource),
    cwd: repositoryDir,
    env: {
      ...process.env,
      ...nodeEnvironment,
      ...serverEnvironment(urls),
      PORT: String(port),
      HOST: '127.0.0.1',
      LOG_LEVEL: logLevel,
    },
    stateDir: paths.stateDir,
    pidFile: join(paths.runDir, `${fullName}.pid`),
    logFile: join(paths.logsDir, `${fullName}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 12_000,
    deathSignal: 'KILL',
    isReady: () => answersOk(readyUrl),
    readyUrl,
  }
}

/** The variables with the URLs of the servers, for the processes and the migrations. */
export function serverEnvironment(urls: ServerUrls): NodeJS.ProcessEnv {
  return {
    ...overriding('AMQP_URL', urls.amqp),
    ...overriding('ORDERS_DATABASE_URL', urls.ordersDatabase),
    ...overriding('PAYMENTS_DATABASE_URL', urls.paymentsDatabase),
  }
}
