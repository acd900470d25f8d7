import { type SpawnOptions, spawnSync } from 'node:child_process'
import type { Identity } from './identity.ts'

export type DeathSignal = 'KILL' | 'TERM' | 'INT'

/** The arguments of `spawn`. */
export type Command = { file: string; args: string[]; options: SpawnOptions }

/**
 * A command in its own session, so that Ctrl-C in the terminal reaches only the supervisor. When
 * the supervisor dies, however it dies, the kernel sends `deathSignal` to the command (with
 * setpriv).
 */
export function guardedCommand(
  [file = '', ...args]: string[],
  { identity, deathSignal }: { identity?: Identity | undefined; deathSignal: DeathSignal },
): Command {
  if (!hasSetpriv()) return { file, args, options: { detached: true, ...identity } }

  const setUser = identity
    ? [`--reuid=${identity.uid}`, `--regid=${identity.gid}`, '--clear-groups']
    : []
  const guard = [...setUser, `--pdeathsig=${deathSignal}`, '--', file, ...args]
  return { file: 'setpriv', args: guard, options: { detached: true } }
}

let setprivFound: boolean | undefined

/** Whether setpriv works: the one of busybox lacks the option. */
function hasSetpriv(): boolean {
  setprivFound ??= spawnSync('setpriv', ['--pdeathsig', 'keep', 'true']).status === 0
  return setprivFound
}
