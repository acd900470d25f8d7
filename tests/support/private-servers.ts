import { type PostgresOptions, postgres } from '#local/servers/postgres.ts'
import { type RabbitmqUrls, rabbitmq } from '#local/servers/rabbitmq.ts'
import type { BrokerPorts } from '#local/servers/rabbitmq-settings.ts'
import { preparePaths } from '#local/stack/paths.ts'
import type { Program, Running } from '#local/supervisor/program.ts'
import { startReady } from '#local/supervisor/start-ready.ts'

/**
 * A server without a supervisor: after its death it stays dead until `restart`. The caller stops
 * it.
 */
export type Server = {
  /** The pid of its main program, which changes with every restart. */
  readonly pid: number
  stop(): Promise<void>
  /** Sends SIGKILL, and resolves when the process has ended. */
  kill(): Promise<void>
  restart(): Promise<void>
}

/** Starts programs one after the other: the last one is the server, the others are its helpers. */
export async function startServer(programs: Program[]): Promise<Server> {
  const all: Running[] = []
  try {
    for (const program of programs) all.push(await startReady(program))
  } catch (error) {
    await stopAll(all)
    throw error
  }
  const main = programs.at(-1) as Program
  return {
    get pid() {
      return (all.at(-1) as Running).pid
    },
    stop: () => stopAll(all),
    kill: async () => all.at(-1)?.kill(),
    restart: async () => {
      await all.pop()?.stop()
      all.push(await startReady(main))
    },
  }
}

async function stopAll(all: Running[]): Promise<void> {
  for (const running of all.toReversed()) await running.stop()
}

/** Starts a PostgreSQL; `dir` may be new. */
export async function startPostgres(
  options: PostgresOptions & { dir: string },
): Promise<Server & { url(database: string): string }> {
  const { program, url } = postgres(preparePaths(options.dir), options)
  return Object.assign(await startServer([program]), { url })
}

/** Starts a RabbitMQ node with its epmd; `dir` may be new. */
export async function startRabbitmq(options: {
  dir: string
  ports: BrokerPorts
}): Promise<Server & RabbitmqUrls> {
  const { epmd, broker, url, managementUrl } = rabbitmq(preparePaths(options.dir), options.ports)
  return Object.assign(await startServer([epmd, broker]), { url, managementUrl })
}
