import { stopRequest } from '#local/stop-requests.ts'
import { charge } from './charge.ts'
import type { Figure } from './measurement.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { relay } from './relay.ts'
import { table, writeJson } from './report.ts'
import { type Servers, startServers } from './servers.ts'

const measurements = [relay, charge]

/** Progress goes to the error stream, so that the table alone can be piped. */
const progress = (line: string) => console.error(line)

/** Leaves no server behind, also when a signal ends it early. */
async function run(options: Options): Promise<void> {
  const stopped = stopRequest(() => process.exit(130)).then(() => undefined)
  progress('Starting PostgreSQL and RabbitMQ')
  await using servers = await startServers()
  const figures = await Promise.race([measureAll(options, servers), stopped])
  if (!figures) {
    process.exitCode = 130
    return
  }
  console.log(`\n${table(figures)}\n`)
  if (options.json) writeJson(options.json, figures)
}

async function measureAll({ only, quick, profile }: Options, servers: Servers): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const measurement of measurements) {
    if (only !== undefined && measurement.name !== only) continue
    figures.push(await measurement.run({ servers, quick, profile, progress }))
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
