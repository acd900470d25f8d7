import { classify, EnvironmentError, type FailureClass } from '#chassis/errors.ts'

/** What becomes of a group that could not be committed; ARCHITECTURE.md has the same table. */
export const onFailure: Record<FailureClass, 'reject all' | 'one by one'> = {
  unavailable: 'reject all',
  slow: 'reject all',
  locked: 'reject all',
  conflict: 'one by one',
  fault: 'one by one',
}

export interface GroupCommitOptions<Item, Result> {
  /** Commits a group in one transaction; one result for each item, in their order. */
  commit: (group: Item[]) => Promise<Result[]>
  /** Groups in work at the same time. */
  concurrency: number
  /** Most items of a group. */
  groupSize: number
  /** An item that has waited so long is refused with `unavailable`. */
  maxWaitMs: number
  /**
   * A group failed by something that only some of it may be to blame for: it is done one by one.
   */
  onSplit?: (error: unknown, size: number) => void
}

interface Waiting<Item, Result> {
  item: Item
  resolve: (result: Result) => void
  reject: (reason: unknown) => void
  timer: NodeJS.Timeout
}

/**
 * Returns a function that commits an item, together with those that came while `concurrency` groups
 * were in work: a lone item is committed immediately, and under load many share one wait for the
 * disk.
 *
 * A group that fails is done again one by one, so that no item harms its neighbours. Not so when
 * the database went away, since its commit may have happened, nor when it took too long or a row
 * was locked, since each item would take as long again: then all of it is rejected.
 *
 * Source of the idea: group commit of databases, DeWitt et al., 1984.
 */
export function groupCommit<Item, Result>({
  commit,
  concurrency,
  groupSize,
  maxWaitMs,
  onSplit,
}: GroupCommitOptions<Item, Result>): (item: Item) => Promise<Result> {
  const waiting = new Set<Waiting<Item, Result>>()
  let running = 0

  const commitGroups = async (): Promise<void> => {
    running++
    while (waiting.size > 0) {
      const group = takeFrom(waiting, groupSize)
      const error = await attempt(commit, group)
      if (error === undefined) continue
      if (group.length > 1 && !rejectsAll(error)) {
        onSplit?.(error, group.length)
        await oneByOne(commit, group)
      } else for (const { reject } of group) reject(error)
    }
    running--
  }

  return (item) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>()
    const giveUp = () => {
      waiting.delete(one)
      reject(new EnvironmentError('unavailable', 'Too many wait for the database'))
    }
    const one = { item, resolve, reject, timer: setTimeout(giveUp, maxWaitMs) }
    waiting.add(one)
    if (running < concurrency) void commitGroups()
    return promise
  }
}

/** Not the fault of an item: the next one would fare no better. */
const rejectsAll = (error: unknown) => onFailure[classify(error)] === 'reject all'

type Commit<Item, Result> = GroupCommitOptions<Item, Result>['commit']

/**
 * Commits a group and resolves each item with its result, or returns the error and resolves none.
 */
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
    if (error !== undefined && rejectsAll(error)) outage = error
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
