import { join } from 'node:path'
import { answersOk } from '../supervisor/probe.ts'
import type { Program } from '../supervisor/program.ts'
import { repositoryDir } from './places.ts'
import { type ProcessName, processNames, processPort } from './ports.ts'
import type { ServerUrls, Settings } from './settings.ts'

/**
 * A small nursery, since what lives shortly is small here; and garbage is collected before it has
 * doubled the heap. In containers, the Dockerfile says the same.
 */
export const nodeFlags = ['--max-semi-space-size=4', '--heap-growing-percent=30']

/** For Node itself. */
export const nodeEnvironment = {
  /** A process that starts again need not strip and compile its code, nor load what does. */
  NODE_COMPILE_CACHE: join(repositoryDir, 'node_modules/.cache/compile'),
  /** Its threads share one heap of glibc's, instead of each keeping what it once needed. The Dockerfile says this, too. */
  MALLOC_ARENA_MAX: '1',
}

/** How to run the six processes, each as often as the scale says. */
export function processPrograms(settings: Settings, urls: ServerUrls): Program[] {
  return processNames.flatMap((name) =>
    Array.from({ length: settings.scale[name] }, (_, index) =>
      processProgram(settings, urls, name, index + 1),
    ),
  )
}

function processProgram(
  { places, ports, logLevel }: Settings,
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
    command: [process.execPath, ...nodeFlags, `${name}/main.ts`],
    cwd: repositoryDir,
    env: {
      ...process.env,
      ...nodeEnvironment,
      ...serverEnvironment(urls),
      PORT: String(port),
      HOST: '127.0.0.1',
      LOG_LEVEL: logLevel,
    },
    stateDir: places.stateDir,
    pidFile: join(places.runDir, `${fullName}.pid`),
    logFile: join(places.logsDir, `${fullName}.log`),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 12_000,
    deathSignal: 'KILL',
    isReady: () => answersOk(readyUrl),
    readyUrl,
  }
}

/** How a process learns where the servers are; the migrations, too. */
export function serverEnvironment(urls: ServerUrls): NodeJS.ProcessEnv {
  return {
    AMQP_URL: urls.amqp,
    ORDERS_DATABASE_URL: urls.ordersDatabase,
    PAYMENTS_DATABASE_URL: urls.paymentsDatabase,
  }
}
