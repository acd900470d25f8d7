import { parseArgs } from 'node:util'
import { positive, wholeNumber } from '#testing/numeric-options.ts'

export interface Options {
  seed: number
  minutes: number
  paymentRequestRetry: boolean
  ordersPerSecond: number
  users: number
  /** Faults come so much thicker than usual. */
  haste: number
  /** Cells, one after the other; the random run if it is empty. */
  only: string[]
  /** How often each cell does what it does; its own count when undefined. */
  count: number | undefined
  list: boolean
  help: boolean
  json: string | undefined
  markdown: string | undefined
  archive: string
}

export const usage = `npm run chaos -- [options]

The random run: the whole stack, two of every process, with faults drawn from a seed.

  --seed N             the same seed draws the same faults (1)
  --minutes M          how long faults go on (5)
  --payment-request-retry on|off  whether requests without an answer are repeated (on);
                       without it the broker never loses its data
  --orders-per-second N, --users N   the load (35, 100)
  --haste N            faults come N times as often (1)

One cell alone, each with a count of its own:

  --only CELL          x3 … x19, long-outage, locked-account, locked-order, silent-notify or
                       away-at-subscription, repeatable
  --count N            how often the cell does what it does
  --list               says what the cells are

  --json FILE          writes the outcome as JSON
  --markdown FILE      writes it as tables
  --archive DIR        where a red run leaves its history and logs (.local/chaos)
  --help               prints this

Exits with 0 when every promise was kept, 1 when one was broken, 2 when it could not run,
64 when it was called wrongly.
A red run is not repeated: its seed is printed, its history and its logs are kept.`

/** What the command line asks for. Throws an Error whose message is fit for the terminal. */
export function parseOptions(args: string[], cells: readonly string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      minutes: { type: 'string', default: '5' },
      'payment-request-retry': { type: 'string', default: 'on' },
      'orders-per-second': { type: 'string', default: '35' },
      users: { type: 'string', default: '100' },
      haste: { type: 'string', default: '1' },
      only: { type: 'string', multiple: true, default: [] },
      count: { type: 'string' },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
      json: { type: 'string' },
      markdown: { type: 'string' },
      archive: { type: 'string', default: '.local/chaos' },
    },
  })
  const only = values.only.map((name) => name.toLowerCase())
  const unknown = only.find((name) => !cells.includes(name))
  if (unknown !== undefined)
    throw new Error(`--only takes one of ${cells.join(', ')}; got ${unknown}`)
  const retry = values['payment-request-retry']
  if (retry !== 'on' && retry !== 'off') {
    throw new Error(`--payment-request-retry takes on or off; got ${JSON.stringify(retry)}`)
  }
  const { list, help, json, markdown, archive } = values
  return {
    seed: wholeNumber('seed', values.seed, 0),
    minutes: positive('minutes', values.minutes),
    paymentRequestRetry: retry === 'on',
    ordersPerSecond: positive('orders-per-second', values['orders-per-second']),
    users: wholeNumber('users', values.users, 1),
    haste: positive('haste', values.haste),
    only,
    count: values.count === undefined ? undefined : wholeNumber('count', values.count, 1),
    ...{ list, help, json, markdown, archive },
  }
}
