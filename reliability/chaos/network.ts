import { pause } from '#chassis/pause.ts'
import { until } from '#local/supervisor/waiting.ts'
import { belongsTo, ownerOf } from './connections.ts'
import type { Field } from './field.ts'
import type { Fault } from './schedule.ts'

type Of<Kind> = Extract<Fault, { kind: Kind }>

export const cutConnections = async ({ link, name }: Of<'cut'>, { system }: Field) =>
  system.links[link].cut(belongsTo(name))

/** For a while, also for connections that are opened meanwhile. */
export async function disturbNetwork(
  { link, name, networkFault, forMs }: Of<'network fault'>,
  { system, signal }: Field,
): Promise<number> {
  const restore = system.links[link].disturb(networkFault, belongsTo(name))
  await pause(forMs, signal)
  restore()
  return 1
}

/** The longest that we watch whether somebody notices. */
const maxWaitMs = 45_000

/**
 * The present connections die without a word; new ones live. Lasts until all were given up, and
 * journals how long each took.
 */
export async function halfOpen(
  { link, name, ways }: Of<'half-open'>,
  { system, journal, signal }: Field,
): Promise<number> {
  const proxy = system.links[link]
  const present = new Set(proxy.connections().filter(belongsTo(name)))
  if (present.size === 0) return 0
  const atMs = performance.now()
  const restore = proxy.disturb({ silent: ways }, (connection) => present.has(connection as never))
  let left = 0
  for (const connection of present) {
    void connection.left().then(() => {
      left++
      const afterMs = performance.now() - atMs
      journal.detect({ who: ownerOf(connection), link, ways: ways.join('+'), afterMs })
    })
  }
  await until(() => left === present.size, { timeoutMs: maxWaitMs, everyMs: 200, signal })
  restore()
  return present.size
}

/** What PostgreSQL says when it has committed: the tag of the finished command. */
export const commitTag = Buffer.from('COMMIT\0')

/** The next commit on the link happens, but whoever asked for it is not told. */
export async function loseCommitAnswer(
  { link }: Of<'lose commit answer'>,
  { system, signal }: Field,
): Promise<number> {
  const isLost = system.links[link].cutAt(commitTag, 'down')
  return (await until(isLost, { timeoutMs: 5_000, everyMs: 20, signal })) ? 1 : 0
}
