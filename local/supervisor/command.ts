import { type SpawnOptions, spawnSync } from 'node:child_process'
import type { Identity } from './identity.ts'

export type DeathSignal = 'KILL' | 'TERM' | 'INT'

/** What spawn takes. */
export type Command = { file: string; args: string[]; options: SpawnOptions }

/**
 * A command in a session of its own, so that a terminal's Ctrl-C reaches only the supervisor, and
 * which the kernel signals when its parent dies, however it dies (where setpriv exists).
 */
export function guardedCommand(
  [file = '', ...args]: string[],
  { identity, deathSignal }: { identity?: Identity | undefined; deathSignal: DeathSignal },
): Command {
  if (!hasSetpriv()) return { file, args, options: { detached: true, ...identity } }

  const become = identity
    ? [`--reuid=${identity.uid}`, `--regid=${identity.gid}`, '--clear-groups']
    : []
  const guard = [...become, `--pdeathsig=${deathSignal}`, '--', file, ...args]
  return { file: 'setpriv', args: guard, options: { detached: true } }
}

let setprivFound: boolean | undefined

/** Tried rather than looked up: the setpriv of busybox lacks the option. */
function hasSetpriv(): boolean {
  setprivFound ??= spawnSync('setpriv', ['--pdeathsig', 'keep', 'true']).status === 0
  return setprivFound
}
