import { type Options, parseOptions, usage } from './options.ts'
import { runFuzz } from './run.ts'

const startedAtMs = performance.now()

function progress(line: string): void {
  const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(0)
  console.error(`${seconds.padStart(5)} s  ${line}`)
}

function options(): Options {
  try {
    return parseOptions(process.argv.slice(2))
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`)
    process.exit(64)
  }
}

const { kinds, help, seed, requests } = options()
if (help) console.log(usage)
else {
  try {
    const failures = await runFuzz(kinds, { seed, requests, progress })
    for (const { kind, what, smallest } of failures) console.log(`${kind} ${what}\n  ${smallest}\n`)
    progress(`seed ${seed}, ${requests} of ${kinds}: ${failures.length} promises broken`)
    process.exit(failures.length === 0 ? 0 : 1)
  } catch (error) {
    console.error(error)
    process.exit(2)
  }
}
