import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { repositoryDir } from '#local/stack/paths.ts'
import type { ProcessName } from '#local/stack/ports.ts'
import {
  bundleProcesses,
  nodeEnvironment,
  processCommand,
  serverEnvironment,
} from '#local/stack/processes.ts'
import { answersOk } from '#local/supervisor/probe.ts'
import { freePorts } from '#testing/free-ports.ts'
import { startServer } from '#testing/private-servers.ts'
import type { Bench } from './measurement.ts'
import type { Servers } from './servers.ts'

interface ProcessOptions {
  /** Instead of those that everybody uses. */
  servers?: Partial<Pick<Servers, 'ordersUrl' | 'paymentsUrl'>>
  env?: NodeJS.ProcessEnv
}

/** One real process of the program, ready and running until disposed of. */
export async function startProcess(
  name: ProcessName,
  { servers, profile }: Pick<Bench, 'servers' | 'profile'>,
  options: ProcessOptions = {},
) {
  const [port = 0] = await freePorts(1)
  await bundleProcesses()
  const profiling = profile ? ['--cpu-prof', '--cpu-prof-dir', profile] : []
  const urls = environment({ ...servers, ...options.servers })
  const running = await startServer([
    {
      name,
      address: `127.0.0.1:${port}`,
      command: processCommand(name, false, profiling),
      cwd: repositoryDir,
      env: {
        ...process.env,
        ...nodeEnvironment,
        ...urls,
        PORT: String(port),
        LOG_LEVEL: 'warn',
        ...options.env,
      },
      stateDir: servers.dir,
      pidFile: join(servers.dir, 'run', `${name}.${port}.pid`),
      logFile: join(servers.dir, 'logs', `${name}.log`),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 12_000,
      deathSignal: 'KILL',
      isReady: () => answersOk(`http://127.0.0.1:${port}/readyz`),
    },
  ])
  return {
    url: `http://127.0.0.1:${port}`,
    freeze: () => process.kill(running.pid, 'SIGSTOP'),
    thaw: () => process.kill(running.pid, 'SIGCONT'),
    [Symbol.asyncDispose]: () => running.stop(),
  }
}

const environment = ({ ordersUrl, paymentsUrl, brokerUrl }: Servers) =>
  serverEnvironment({
    ordersDatabase: ordersUrl,
    paymentsDatabase: paymentsUrl,
    amqp: brokerUrl,
    management: '',
  })

/**
 * A file of this folder as a process of its own, so that it shares no event loop with the harness.
 * It does one round for every question and answers when it is done (`answerRounds`).
 */
export function startPeer<Question extends object, Answer>(file: string) {
  const child = fork(join(import.meta.dirname, file))
  const exited = once(child, 'exit')
  const died = exited.then(() => {
    throw new Error(`${file} ended instead of answering`)
  })
  died.catch(() => {}) // who asks is told
  return {
    ask: async (question: Question): Promise<Answer> => {
      const answer = once(child, 'message')
      child.send(question)
      const [message] = await Promise.race([answer, died])
      return message as Answer
    },
    [Symbol.asyncDispose]: async () => {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}

/** The peer's side: ends when the harness hangs up. */
export function answerRounds<Question, Answer>(round: (question: Question) => Promise<Answer>) {
  process.on('message', async (question: Question) => process.send?.(await round(question)))
  process.on('disconnect', () => process.exit())
}
