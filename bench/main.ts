import { writeFileSync } from 'node:fs'
import { stopRequest } from '#local/supervisor/stop-requests.ts'
import { accept } from './accept.ts'
import { measureAgainst } from './against.ts'
import { backlog } from './backlog.ts'
import { charge, hotAccount } from './charge.ts'
import { comparisonTable } from './comparison.ts'
import { endToEnd } from './end-to-end.ts'
import { gauges } from './gauges.ts'
import { growth } from './growth.ts'
import { heldTransaction } from './held.ts'
import { idle } from './idle.ts'
import { largeUser } from './large-user.ts'
import { latency } from './latency.ts'
import { writeMarkdown } from './markdown.ts'
import type { Figure, Measurement } from './measurement.ts'
import { memory } from './memory.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { peers } from './peers.ts'
import { relay } from './relay.ts'
import { relayNotificationCost } from './relay-notification.ts'
import { replicas } from './replicas.ts'
import { table, writeJson } from './report.ts'
import { retention } from './retention.ts'
import { retentionHour } from './retention-hour.ts'
import { type Servers, startServers } from './servers.ts'
import { signatures } from './signatures.ts'
import { writeStatements } from './statements.ts'
import { subscribers } from './subscribers.ts'

const measurements: Measurement[] = [
  relay,
  charge,
  hotAccount,
  accept,
  endToEnd,
  latency,
  growth,
  retention,
  heldTransaction,
  relayNotificationCost,
  replicas,
  gauges,
  subscribers,
  largeUser,
  signatures,
  idle,
  memory,
  backlog,
  peers,
  retentionHour,
]

/** Those that a change of the code moves most, without those that take long. */
const hot = [relay, charge, accept, endToEnd, latency, idle].map(({ name }) => name)

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

/** Compares two builds. Each side starts its own servers, and stops with its own signals. */
async function runAgainst(options: Options & { against: string }): Promise<void> {
  const names = options.only.length > 0 ? options.only : hot
  const comparisons = await measureAgainst(options, names, progress)
  console.log(`\n${comparisonTable(comparisons)}\n`)
  if (options.json) writeFileSync(options.json, `${JSON.stringify(comparisons, null, 2)}\n`)
}

async function measureAll(options: Options, servers: Servers): Promise<Figure[]> {
  const { only, quick, profile, minutes } = options
  const figures: Figure[] = []
  for (const { name, run, isLong = false } of measurements) {
    if (only.length === 0 ? isLong : !only.includes(name)) continue
    figures.push(...(await run({ servers, quick, profile, minutes, progress })))
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

const chosen = options()
const { against } = chosen
await (against === undefined ? run(chosen) : runAgainst({ ...chosen, against }))
process.exit()
