import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeState } from '#local/stack/remove-state.ts'
import { guardedCommand } from '#local/supervisor/command.ts'
import { freePortBase, freePorts } from './free-ports.ts'

export interface Addresses {
  gateway: string
  orders_database_url: string
  payments_database_url: string
  amqp_url: string
  rabbitmq_management: string
}

/** The whole stack as `npm start` runs it, with a state folder and ports of its own. */
export interface Stack extends Addresses {
  dir: string
  /** The running process of a name: `orders-relay`, `orders-relay.2`, `postgres` … */
  pidOf: (name: string) => number
  /** Stops the stack as Ctrl-C does, and returns its exit code. */
  stop: () => Promise<number | null>
}

export interface StackOptions {
  /** The command that starts the stack, before `args`. */
  command?: string[]
  args?: string[]
  env?: NodeJS.ProcessEnv
  /** The folder of an earlier stack. */
  dir?: string
  /** Whether the state folder stays when the stack is stopped. */
  keepState?: boolean
}

/**
 * Starts a stack, and resolves when it is ready. Rejects with its output when the stack ends
 * before.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { dir = mkdtempSync(join(tmpdir(), 'orders-payments-')) } = options
  // A mutant is switched on while a source is loaded (reliability/crash/mutate.ts).
  const args = [...(options.args ?? []), ...(process.env.MUTANT ? ['--source'] : [])]
  const { command = [process.execPath, 'local/stack/main.ts'] } = options
  // When the test is killed, the stack stops, too, in an orderly way.
  const guarded = guardedCommand([...command, ...args], { deathSignal: 'TERM' })
  const child = spawn(guarded.file, guarded.args, {
    ...guarded.options,
    env: { ...process.env, LOCAL_DIR: dir, ...(await freeAddresses()), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  await untilReady(child).catch(async (error) => {
    await removeState(dir)
    throw error
  })
  const run = join(dir, 'run')
  const addresses = JSON.parse(readFileSync(join(run, 'addresses.json'), 'utf8')) as Addresses
  return {
    ...addresses,
    dir,
    pidOf: (name) => Number(readFileSync(join(run, `${name}.pid`), 'utf8')),
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
      if (!options.keepState) await removeState(dir)
      return child.exitCode
    },
  }
}

async function freeAddresses() {
  const [gatewayPort] = await freePorts(1)
  return { LOCAL_PORT_BASE: String(await freePortBase()), GATEWAY_PORT: String(gatewayPort) }
}

async function untilReady(child: ChildProcess): Promise<void> {
  let output = ''
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onOutput = (chunk: Buffer) => {
    output += chunk.toString()
    if (output.includes('Ctrl-C stops everything')) resolve()
  }
  child.stdout?.on('data', onOutput)
  child.stderr?.on('data', onOutput)
  child.once('close', (code) => reject(new Error(`The stack ended with ${code}:\n${output}`)))
  await promise
}
