import { AppError, isCode } from '#chassis/errors.ts'

export interface GroupCommitOptions<Item, Result> {
  /** Does all of a group in one transaction; one result for each, in their order. */
  commit: (group: Item[]) => Promise<Result[]>
  /** Groups in work at the same time. */
  lanes: number
  /** Most items of a group. */
  groupSize: number
  /** Whoever has waited so long for a lane is refused with `unavailable`. */
  patienceMs: number
  /** A group failed by something that only some of it may be to blame for: it is done one by one. */
  onSplit?: (error: unknown, size: number) => void
}

interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (reason: unknown) => void
  timer: NodeJS.Timeout
}

/**
 * Returns a function that commits an item, together with those that came while all lanes were busy:
 * alone when there is no crowd, at no cost of time, and in a crowd many for one wait for the disk.
 *
 * A group that fails is done again one by one, so that no item harms its neighbours. Not so when the
 * database went away, since its commit may have happened, nor when it took too long, since each
 * would take as long again: then all of it is rejected.
 *
 * Source of the idea: group commit of databases, DeWitt et al., 1984.
 */
export function groupCommit<Item, Result>({
  commit,
  lanes,
  groupSize,
  patienceMs,
  onSplit,
}: GroupCommitOptions<Item, Result>): (item: Item) => Promise<Result> {
  const waiting = new Set<Waiting<Item, Result>>()
  let busy = 0

  const lane = async (): Promise<void> => {
    busy++
    while (waiting.size > 0) {
      const group = takeFrom(waiting, groupSize)
      const error = await attempt(commit, group)
      if (error === undefined) continue
      if (group.length > 1 && !isOutage(error)) {
        onSplit?.(error, group.length)
        await oneByOne(commit, group)
      } else for (const { reject } of group) reject(error)
    }
    busy--
  }

  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const giveUp = () => {
      waiting.delete(one)
      reject(new AppError('unavailable', 'Too many wait for the database'))
    }
    const one = { item, resolve, reject, timer: setTimeout(giveUp, patienceMs) }
    waiting.add(one)
    if (busy < lanes) void lane()
    return promise
  }
}

/** Not the fault of an item: the next one would fare no better. */
const isOutage = (error: unknown) =>
  isCode(error, 'unavailable') || isCode(error, 'slow') || isCode(error, 'locked')

type Commit<Item, Result> = GroupCommitOptions<Item, Result>['commit']

/** Commits and tells each its result, or returns what went wrong and has told nobody. */
async function attempt<Item, Result>(
  commit: Commit<Item, Result>,
  group: Waiting<Item, Result>[],
): Promise<unknown> {
  try {
    const results = await commit(group.map(({ item }) => item))
    if (results.length !== group.length) throw new Error('Not every item has a result')
    for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result)
    return undefined
  } catch (error) {
    return error
  }
}

/** Until the database is what is at fault: then nobody after it is tried. */
async function oneByOne<Item, Result>(
  commit: Commit<Item, Result>,
  group: Waiting<Item, Result>[],
): Promise<void> {
  let outage: unknown
  for (const one of group) {
    const error = outage ?? (await attempt(commit, [one]))
    if (error !== undefined) one.reject(error)
    if (isOutage(error)) outage = error
  }
}

function takeFrom<Item, Result>(waiting: Set<Waiting<Item, Result>>, size: number) {
  const group = [...waiting.values().take(size)]
  for (const one of group) {
    waiting.delete(one)
    clearTimeout(one.timer)
  }
  return group
}
