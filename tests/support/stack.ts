import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePortBase, freePorts } from '#local/free-ports.ts'

export interface Addresses {
  gateway: string
  orders_database_url: string
  payments_database_url: string
  amqp_url: string
  rabbitmq_management: string
}

/** The whole stack as `npm start` runs it, with a state folder and ports of its own. */
export interface Stack extends Addresses {
  /** The running process of a name: `orders-relay`, `orders-relay.2`, `postgres` … */
  pidOf: (name: string) => number
  /** Ends it as Ctrl-C does and returns its exit code; the state is gone afterwards. */
  stop: () => Promise<number | null>
}

export async function startStack({
  args = [],
  env = {},
}: {
  args?: string[]
  env?: NodeJS.ProcessEnv
} = {}): Promise<Stack> {
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
  const base = await freePortBase()
  const [gatewayPort] = await freePorts(1)
  const child = spawn(process.execPath, ['local/main.ts', ...args], {
    env: {
      ...process.env,
      LOCAL_DIR: dir,
      LOCAL_PORT_BASE: String(base),
      GATEWAY_PORT: String(gatewayPort),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await untilReady(child)
  const run = join(dir, 'run')
  const addresses = JSON.parse(readFileSync(join(run, 'addresses.json'), 'utf8')) as Addresses
  return {
    ...addresses,
    pidOf: (name) => Number(readFileSync(join(run, `${name}.pid`), 'utf8')),
    stop: async () => {
      child.kill('SIGTERM')
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await rm(dir, { recursive: true, force: true })
      return child.exitCode
    },
  }
}

/** It says so. Rejects with all that it said when it ends before. */
async function untilReady(child: ChildProcess): Promise<void> {
  let output = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const hear = (chunk: Buffer) => {
    output += chunk.toString()
    if (output.includes('Ctrl-C stops everything')) resolve()
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  child.once('exit', (code) => reject(new Error(`The stack ended with ${code}:\n${output}`)))
  await promise
}
