import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryDir } from '#local/stack/paths.ts'
import { checkOut, runCommand } from '#testing/check-out.ts'
import { type Comparison, compare, type Measured } from './comparison.ts'
import { rounds } from './measurement.ts'
import type { Options } from './options.ts'

/**
 * Measures this build and the build of another commit in turn, in one run, each by its own
 * benchmark in a process of its own. So both have the same machine, servers and settings, and
 * whatever else the machine does meanwhile, it does to both. Throws when a side fails.
 */
export async function measureAgainst(
  { against, quick }: Options & { against: string },
  names: string[],
  progress: (line: string) => void,
): Promise<Comparison[]> {
  await using other = await checkOut(against, progress)
  const runs: Record<Side, Measured[][]> = { ours: [], theirs: [] }
  for (const name of names) {
    for (let round = 1; round <= rounds; round++) {
      for (const side of orderOf(round)) {
        progress(`${name}, round ${round} of ${rounds}, ${side}`)
        const dir = side === 'ours' ? repositoryDir : other.dir
        runs[side].push(await measure(dir, name, quick))
      }
    }
  }
  return compare(runs.ours.flat(), runs.theirs.flat())
}

type Side = 'ours' | 'theirs'

/** Each side is the first one in turn, so that a machine that gets slower favours neither. */
const orderOf = (round: number): Side[] =>
  round % 2 === 1 ? ['theirs', 'ours'] : ['ours', 'theirs']

async function measure(dir: string, name: string, quick: boolean): Promise<Measured[]> {
  const results = mkdtempSync(join(tmpdir(), 'orders-payments-figures-'))
  try {
    const file = join(results, 'figures.json')
    const size = quick ? ['--quick'] : []
    const args = ['run', '--silent', 'bench', '--', '--only', name, '--json', file, ...size]
    await runCommand('npm', args, dir)
    return JSON.parse(readFileSync(file, 'utf8'))
  } finally {
    rmSync(results, { recursive: true, force: true })
  }
}
