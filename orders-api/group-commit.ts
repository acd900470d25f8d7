import { AppError, isCode } from '#chassis/errors.ts'

export interface GroupCommit<Item, Result> {
  /** Does all of a group in one transaction; one result for each, in their order. */
  commit: (group: Item[]) => Promise<Result[]>
  /** Groups in work at the same time. */
  lanes: number
  /** Most items of a group. */
  groupSize: number
  /** Whoever has waited so long for a lane is refused with `unavailable`. */
  patienceMs: number
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
 * A group that fails is done again one by one, so that no item harms its neighbours; but not when
 * the database went away, since then its commit may have happened: all of it is rejected.
 *
 * Source of the idea: group commit of databases, DeWitt et al., 1984.
 */
export function groupCommit<Item, Result>({
  commit,
  lanes,
  groupSize,
  patienceMs,
}: GroupCommit<Item, Result>): (item: Item) => Promise<Result> {
  const waiting = new Set<Waiting<Item, Result>>()
  let busy = 0

  const run = async (group: Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await commit(group.map(({ item }) => item))
      for (const [index, { resolve }] of group.entries()) resolve(results[index] as Result)
    } catch (error) {
      if (group.length > 1 && !isCode(error, 'unavailable')) {
        for (const one of group) await run([one])
      } else for (const { reject } of group) reject(error)
    }
  }

  const lane = async (): Promise<void> => {
    busy++
    while (waiting.size > 0) await run(takeFrom(waiting, groupSize))
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

function takeFrom<Item, Result>(waiting: Set<Waiting<Item, Result>>, size: number) {
  const group = [...waiting.values().take(size)]
  for (const one of group) {
    waiting.delete(one)
    clearTimeout(one.timer)
  }
  return group
}
