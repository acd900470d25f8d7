import { stopRequest } from '#local/supervisor/stop-requests.ts'
import { accept } from './accept.ts'
import { charge, hotAccount } from './charge.ts'
import { endToEnd } from './end-to-end.ts'
import { gauges } from './gauges.ts'
import { growth } from './growth.ts'
import { heldTransaction } from './held.ts'
import { idle } from './idle.ts'
import { latency } from './latency.ts'
import { writeMarkdown } from './markdown.ts'
import type { Figure } from './measurement.ts'
import { memory } from './memory.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { relay } from './relay.ts'
import { relayNotificationCost } from './relay-notification.ts'
import { replicas } from './replicas.ts'
import { table, writeJson } from './report.ts'
import { type Servers, startServers } from './servers.ts'
import { writeStatements } from './statements.ts'

const measurements = [
  relay,
  charge,
  hotAccount,
  accept,
  endToEnd,
  latency,
  growth,
  heldTransaction,
  relayNotificationCost,
  replicas,
  gauges,
  idle,
  memory,
]

/** Progress goes to the error stream, so that the table alone can be piped. */
const progress = (line: string) => console.error(line)

/** Leaves no server behind, also when a signal ends it early. */
async function run(options: Options): Promise<void> {
  const stopped = stopRequest(() => process.exit(130)).then(() => undefined)
  progress('Starting PostgreSQL and RabbitMQ')
  await using servers = await startServers(options.profile !== undefined)
  const figures = await Promise.race([measureAll(options, servers), stopped])
  if (!figures) {
    process.exitCode = 130
    return
  }
  console.log(`\n${table(figures)}\n`)
  if (options.json) writeJson(options.json, figures)
  if (options.markdown) writeMarkdown(options.markdown, figures)
}

async function measureAll(options: Options, servers: Servers): Promise<Figure[]> {
  const { only, quick, profile } = options
  const figures: Figure[] = []
  for (const { name, run } of measurements) {
    if (only.length > 0 && !only.includes(name)) continue
    figures.push(...(await run({ servers, quick, profile, progress })))
    if (profile) await writeStatements(servers, profile, name)
  }
  return figures
}

function options(): Options {
  try {
    return parseOptions(
      process.argv.slice(2),
      measurements.map(({ name }) => name),
    )
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(64)
  }
}

await run(options())
process.exit()
