import { parseArgs } from 'node:util'
import { positive, wholeNumber } from '#testing/numeric-options.ts'

export interface Options {
  work: 'fault-points' | 'pairs' | 'mutants'
  seed: number
  minutes: number
  /** Mutants and scenarios; all of them when empty. */
  only: string[]
  markdown: string | undefined
}

export const usage = `npm run crash -- --fault-points | --pairs [--seed N] [--minutes M] | --mutants [--only NAME]

  --fault-points  kills every process before and after everything it does, one kill for each
  --pairs         pairs of such kills, drawn by the seed (1) until the time (10) is over
  --mutants       switches each protection off, to see it missed; first all scenarios without
  --only NAME     one mutant, or one scenario; repeatable
  --markdown FILE writes the table there, with a head that explains it
  --help          prints this

Exits with 0 when every promise was kept and every mutant caught, 1 when not, 64 when it was
called wrongly.`

/**
 * What the command line asks for; undefined when it asks for help. Throws an Error whose message is
 * fit for the terminal. `names` are what `--only` may name.
 */
export function parseOptions(args: string[], names: readonly string[]): Options | undefined {
  const { values } = parseArgs({
    args,
    options: {
      'fault-points': { type: 'boolean' },
      pairs: { type: 'boolean' },
      mutants: { type: 'boolean' },
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '10' },
      only: { type: 'string', multiple: true, default: [] },
      markdown: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return undefined
  const asked = (['fault-points', 'pairs', 'mutants'] as const).filter((work) => values[work])
  const [work] = asked
  if (!work || asked.length > 1)
    throw new Error('Give one of --fault-points, --pairs and --mutants')
  const { only, markdown } = values
  if (only.length > 0 && work !== 'mutants') throw new Error('--only goes with --mutants')
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw new Error(`--only takes one of ${names.join(', ')}; got ${JSON.stringify(unknown)}`)
  }
  return {
    work,
    seed: wholeNumber('seed', values.seed, 0),
    minutes: positive('minutes', values.minutes),
    only,
    markdown,
  }
}

/** The command that makes a run once more. */
export function commandOf({ work, seed, minutes, only }: Options): string {
  const pairs = work === 'pairs' ? ` --seed ${seed} --minutes ${minutes}` : ''
  return `npm run crash -- --${work}${pairs}${only.map((name) => ` --only ${name.includes(' ') ? `'${name}'` : name}`).join('')}`
}
