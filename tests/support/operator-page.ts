import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { text } from 'node:stream/consumers'
import { eventually } from './eventually.ts'
import { freePorts } from './free-ports.ts'

/** The servers of an installation. */
export interface ServerUrls {
  amqp: string
  orders: string
  payments: string
}

export interface OperatorPage {
  url: string
  /** Stops it as Ctrl-C does; its exit code and its log. */
  stop: () => Promise<{ code: number | null; log: string }>
}

/** As `npm run operator` does: nobody can act on that warning. */
const quiet = '--disable-warning=ExperimentalWarning'

/** Runs `operator page` as a process, and resolves when it is ready. */
export async function startOperatorPage(
  { amqp, orders, payments }: ServerUrls,
  env: NodeJS.ProcessEnv = {},
): Promise<OperatorPage> {
  const [port = 0] = await freePorts(1)
  const urls = { AMQP_URL: amqp, ORDERS_DATABASE_URL: orders, PAYMENTS_DATABASE_URL: payments }
  const own = { LOCAL_DIR: tmpdir(), OPERATOR_PAGE_PORT: String(port), LOG_LEVEL: 'info' }
  const child = spawn(process.execPath, [quiet, 'operator/main.ts', 'page'], {
    env: { ...process.env, ...own, ...urls, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const log = text(child.stdout)
  const ended = once(child, 'exit')
  const url = `http://localhost:${port}/operator/`
  const isReady = () => fetch(new URL('/readyz', url)).then((answer) => answer.ok)
  const hasStarted = () => child.exitCode !== null || isReady().catch(() => false)
  await eventually(hasStarted, { timeoutMs: 90_000 }).catch((error) => {
    child.kill('SIGKILL')
    throw error
  })
  return {
    url,
    stop: async () => {
      child.kill('SIGTERM')
      await ended
      return { code: child.exitCode, log: await log }
    },
  }
}
