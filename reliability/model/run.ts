import { writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { ensureSystemPackages } from '#local/install/system-packages.ts'
import { type Check, checks } from './checks.ts'
import { isAsWanted } from './pan.ts'
import { line, markdown, type Result } from './report.ts'
import { verify } from './verify.ts'

const usage = `npm run model [-- options]

  --only TEXT       checks whose name, switches or property have this in them
  --markdown FILE   also writes the tables`

/** As many checks at a time as there are processors, two at most: each may need much memory. */
const workers = Math.min(2, availableParallelism())

async function verifyAll(chosen: readonly Check[], signal: AbortSignal): Promise<Result[]> {
  const results: Result[] = []
  const waiting = [...chosen.entries()]
  const worker = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, check] = next
      const result = { check, finding: await verify(check, signal) }
      results[index] = result
      console.log(line(result))
    }
  }
  await Promise.all(Array.from({ length: workers }, worker))
  return results
}

function options() {
  try {
    const { values } = parseArgs({
      options: { only: { type: 'string', default: '' }, markdown: { type: 'string' } },
    })
    return values
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(64)
  }
}

async function main(): Promise<boolean> {
  const { only, markdown: file } = options()
  const chosen = checks.filter(({ name, defines, property }) =>
    [name, ...defines, property].some((text) => text.includes(only)),
  )
  if (chosen.length === 0) throw new Error(`No check has ${JSON.stringify(only)} in it`)
  const isLinux = process.platform === 'linux'
  await ensureSystemPackages(
    ['spin', 'gcc', ...(isLinux ? ['libc6-dev' as const] : [])],
    console.log,
  )

  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort())
  const startedAtMs = performance.now()
  const results = await verifyAll(chosen, stop.signal).finally(() => stop.abort())
  const bad = results.filter(({ check, finding }) => !isAsWanted(finding, check.isMutant))
  const seconds = Math.round((performance.now() - startedAtMs) / 1_000)
  console.log(`\n${results.length} checks, ${bad.length} not as wanted, ${seconds} s`)
  if (file) writeFileSync(file, markdown(results))
  return bad.length === 0
}

try {
  process.exitCode = (await main()) ? 0 : 1
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
