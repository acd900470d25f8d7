import { parseArgs } from 'node:util'
import { positive, wholeNumber } from '#testing/numeric-options.ts'
import { type Plan, plans } from './prediction.ts'

export const usage = `npm run scaling -- [options]

  Without a rate: the three steps of docs/scaling.md.
  --orders-per-second N  placed with this rate; may be repeated, for a line each
  --replicas N           of each process (1); may be repeated likewise
  --machines N           of a group: 1, 3 or 5 (1)
  --cores N              of each machine (2)
  --groups N             of cells, each with machines of its own (1)
  --seconds N            simulated (5)
  --seed N               of the random numbers (1)
  --compare FILE         beside figures of npm run bench -- --json FILE, on --cores cores
  --markdown FILE        also puts the table into FILE, between its marks`

export interface Options {
  plans: Plan[]
  seconds: number
  seed: number
  cores: number
  compare: string | undefined
  markdown: string | undefined
}

/** What the command line asks for. Throws an Error whose message is fit for the terminal. */
export function parseOptions(args: string[]): Options {
  const one = { type: 'string' } as const
  const { values } = parseArgs({
    args,
    options: {
      'orders-per-second': { type: 'string', multiple: true, default: [] },
      replicas: { type: 'string', multiple: true, default: ['1'] },
      machines: { ...one, default: '1' },
      cores: { ...one, default: '2' },
      groups: { ...one, default: '1' },
      seconds: { ...one, default: '5' },
      seed: { ...one, default: '1' },
      compare: one,
      markdown: one,
    },
  })
  const cores = wholeNumber('cores', values.cores, 1)
  const groups = wholeNumber('groups', values.groups, 1)
  const machines = machinesOf(values.machines)
  const asked = values['orders-per-second'].flatMap((rate) =>
    values.replicas.map((replicas) => ({
      ordersPerSecond: positive('orders-per-second', rate),
      replicas: wholeNumber('replicas', replicas, 1),
      ...{ groups, machines, cores },
    })),
  )
  return {
    plans: asked.length > 0 ? asked : plans,
    seconds: positive('seconds', values.seconds),
    seed: wholeNumber('seed', values.seed, 0),
    cores,
    compare: values.compare,
    markdown: values.markdown,
  }
}

function machinesOf(text: string): Plan['machines'] {
  const found = ([1, 3, 5] as const).find((count) => String(count) === text)
  if (!found) throw new Error(`--machines takes 1, 3 or 5; got ${JSON.stringify(text)}`)
  return found
}
