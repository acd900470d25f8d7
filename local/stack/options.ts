import { parseArgs } from 'node:util'
import { type ProcessName, processNames, replicasMax } from './ports.ts'

export type Scale = Record<ProcessName, number>

type Start = {
  kind: 'start'
  scale: Scale
  fromSource: boolean
  /** Callers sign in, at a provider that the stack starts. */
  auth: boolean
}

export type Options = { kind: 'help' } | Start

/** Parses the arguments of `npm start -- …`. Throws an Error with a message for the terminal. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: {
      scale: { type: 'string', multiple: true },
      source: { type: 'boolean', default: false },
      auth: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' },
    },
  })
  if (values.help) return { kind: 'help' }
  const { scale = [], source: fromSource, auth } = values
  return { kind: 'start', scale: parseScale(scale), fromSource, auth }
}

/** The replicas of each process: one, or N of `NAME=N`; the last one of a name counts. */
export function parseScale(args: string[]): Scale {
  const scale = Object.fromEntries(processNames.map((name) => [name, 1])) as Scale
  for (const arg of args) {
    const [, name, count] = /^([^=]*)=(\d{1,3})$/.exec(arg) ?? []
    if (!isProcessName(name) || Number(count) > replicasMax) throw new Error(scaleHelp(arg))
    scale[name] = Number(count)
  }
  return scale
}

function isProcessName(name: string | undefined): name is ProcessName {
  return (processNames as readonly (string | undefined)[]).includes(name)
}

function scaleHelp(arg: string): string {
  return [
    `--scale takes NAME=N, got "${arg}"`,
    `  NAME is one of ${processNames.join(', ')}`,
    `  N is a whole number from 0 to ${replicasMax}`,
  ].join('\n')
}
