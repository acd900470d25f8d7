import { parseArgs } from 'node:util'
import { positive } from '#testing/numeric-options.ts'

export interface Options {
  /** Which measurements; all of them when empty. */
  only: string[]
  /** Where the figures go as JSON. */
  json: string | undefined
  /** A Markdown file whose table takes them. */
  markdown: string | undefined
  /** Fewer messages, shorter times: to see that it works, not to quote. */
  quick: boolean
  /** Where the processes of the program write their CPU profiles. */
  profile: string | undefined
  /** The commit whose build is measured in turn with this one. */
  against: string | undefined
  /** How long `retention-hour` lasts. */
  minutes: number | undefined
}

export const usage = `npm run bench -- [options]

  --only NAME      one measurement alone; may be repeated
  --json FILE      also writes the figures as JSON
  --markdown FILE  also puts them into the table of FILE, between its marks
  --quick          fewer messages, shorter times
  --minutes N      how long retention-hour lasts; it is measured only when it is named
  --profile DIR    CPU profiles (for Chrome DevTools) of the measured processes, and the
                   statements that PostgreSQL spent its time on
  --against COMMIT measures the build of that commit in turn with this one and prints the
                   ratio of medians; without --only relay, charge, accept, end to end,
                   latency and idle`

/** What the command line asks for. Throws an Error whose message is fit for the terminal. */
export function parseOptions(args: string[], names: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      markdown: { type: 'string' },
      quick: { type: 'boolean', default: false },
      profile: { type: 'string' },
      against: { type: 'string' },
      minutes: { type: 'string' },
    },
  })
  const { only, json, markdown, quick, profile, against } = values
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined) {
    throw new Error(`--only takes one of ${names.join(', ')}; got ${JSON.stringify(unknown)}`)
  }
  if (against !== undefined && (markdown !== undefined || profile !== undefined)) {
    throw new Error('--against goes with --only, --json and --quick only')
  }
  const minutes = values.minutes === undefined ? undefined : positive('minutes', values.minutes)
  return { only, json, markdown, quick, profile, against, minutes }
}
