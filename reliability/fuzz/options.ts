import { parseArgs } from 'node:util'
import { wholeNumber } from '#testing/numeric-options.ts'
import { type KindName, kindNames } from './run.ts'

export interface Options {
  seed: number
  /** Of each kind. */
  requests: number
  kinds: readonly KindName[]
  help: boolean
}

export const usage = `npm run fuzz -- [options]

Bad input for a whole stack (AUTH_MODE=jwt): over HTTP at the gateway and at the APIs, as frames on
the WebSocket, as messages to both consumers. Drawn from a seed, made from the schemas.

  --seed N        the same seed draws the same inputs (1)
  --requests N    how many of each kind (5000)
  --kind KIND     ${kindNames.join(', ')} alone; repeatable (all)
  --help          prints this

Exits with 0 when every promise was kept, 1 when one was broken, 2 when it could not run, 64 when
it was called wrongly. What broke a promise is printed as small as it could be made: fit for
reliability/fuzz/regressions/.`

/** What the command line asks for. Throws an Error whose message is fit for the terminal. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      seed: { type: 'string', default: '1' },
      requests: { type: 'string', default: '5000' },
      kind: { type: 'string', multiple: true, default: [] },
      help: { type: 'boolean', short: 'h', default: false },
    },
  })
  const unknown = values.kind.find((kind) => !isKind(kind))
  if (unknown !== undefined)
    throw new Error(`--kind takes one of ${kindNames.join(', ')}; got ${JSON.stringify(unknown)}`)
  const kinds = values.kind.filter(isKind)
  return {
    seed: wholeNumber('seed', values.seed, 0),
    requests: wholeNumber('requests', values.requests, 1),
    kinds: kinds.length > 0 ? kinds : kindNames,
    help: values.help,
  }
}

const isKind = (name: string): name is KindName => kindNames.some((kind) => kind === name)
