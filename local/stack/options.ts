import { parseArgs } from 'node:util'
import { type ProcessName, processNames, replicasMax } from './ports.ts'

export type Scale = Record<ProcessName, number>

export type Options = { kind: 'help' } | { kind: 'start'; scale: Scale }

/** What `npm start -- …` asks for. Throws an Error whose message is fit for the terminal. */
export function parseOptions(args: string[]): Options {
  const { values } = parseArgs({
    args,
    options: { scale: { type: 'string', multiple: true }, help: { type: 'boolean', short: 'h' } },
  })
  if (values.help) return { kind: 'help' }
  return { kind: 'start', scale: parseScale(values.scale ?? []) }
}

/** One of each process, except where a `NAME=N` says otherwise; the last word on a name counts. */
export function parseScale(wishes: string[]): Scale {
  const scale = Object.fromEntries(processNames.map((name) => [name, 1])) as Scale
  for (const wish of wishes) {
    const [, name, count] = /^([^=]*)=(\d{1,3})$/.exec(wish) ?? []
    if (!isProcessName(name) || Number(count) > replicasMax) throw new Error(scaleHelp(wish))
    scale[name] = Number(count)
  }
  return scale
}

function isProcessName(name: string | undefined): name is ProcessName {
  return (processNames as readonly (string | undefined)[]).includes(name)
}

function scaleHelp(wish: string): string {
  return [
    `--scale takes NAME=N, got "${wish}"`,
    `  NAME is one of ${processNames.join(', ')}`,
    `  N is a whole number from 0 to ${replicasMax}`,
  ].join('\n')
}
