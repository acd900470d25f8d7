import { AppError, isCode } from '#chassis/errors.ts'

export interface GroupCommitOptions<Item, Result> {
  /** Commits a group in one transaction; one result for each item, in their order. */
  commit: (group: Item[]) => Promise<Result[]>
  /** Groups that are committed at the same time. */
  lanes: number
  /** Most items of a group. */
  groupSize: number
  /** An item that has waited so long for a lane is rejected with `unavailable`. */
  maxWaitMs: number
  /** A group failed, possibly because of one item: its items are committed one by one. */
  onSplit?: (error: unknown, size: number) => void
}

interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (reason: unknown) => void
  timer: NodeJS.Timeout
}

/**
 * Returns a function that commits an item. A lone item is committed immediately; items that arrive while all
 * lanes are busy form a group, which waits for the disk once.
 *
 * A group that fails is committed again item by item, so that no item harms its neighbours. Not so when the
 * database went away, since the commit may have happened, nor when it took too long, since each item
 * would take as long again: then the whole group is rejected.
 *
 * Source of the idea: group commit of databases, DeWitt et al., 1984.
 */
export function groupCommit<Item, Result>({
  commit,
  lanes,
  groupSize,
  maxWaitMs,
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
    const one = { item, resolve, reject, timer: setTimeout(giveUp, maxWaitMs) }
    waiting.add(one)
    if (busy < lanes) void lane()
    return promise
  }
}

/** Not the fault of an item: the next one would fail, too. */
const isOutage = (error: unknown) =>
  isCode(error, 'unavailable') || isCode(error, 'slow') || isCode(error, 'locked')

type Commit<Item, Result> = GroupCommitOptions<Item, Result>['commit']

/** Commits a group and resolves each item with its result, or returns the error and resolves none. */
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

/** Stops at an outage: the items after it are rejected untried. */
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
