import { parseArgs } from 'node:util'

export interface Options {
  /** Which measurement; all of them when undefined. */
  only: string | undefined
  /** Where the figures go as JSON. */
  json: string | undefined
  /** Fewer messages and rounds: to see that it works, not to quote. */
  quick: boolean
  /** Where the processes of the program write their CPU profiles. */
  profile: string | undefined
}

export const usage = `npm run bench -- [options]

  --only NAME     one measurement alone
  --json FILE     also writes the figures as JSON
  --quick         fewer messages and rounds
  --profile DIR   CPU profiles (for Chrome DevTools) of the measured processes`

/** What the command line asks for. Throws an Error whose message is fit for the terminal. */
export function parseOptions(args: string[], names: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  })
  const { only, json, quick, profile } = values
  if (only !== undefined && !names.includes(only)) {
    throw new Error(`--only takes one of ${names.join(', ')}; got ${JSON.stringify(only)}`)
  }
  return { only, json, quick, profile }
}
