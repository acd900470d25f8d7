import assert from 'node:assert/strict'
import { EnvironmentError, isCode } from '#chassis/errors.ts'
import { eventually } from '#testing/eventually.ts'
import { failureColumn } from '#testing/failure-table.ts'
import { groupCommit, onFailure } from './group-commit.ts'

describe('groupCommit', () => {
  it('treats each failure as ARCHITECTURE.md says', () => {
    assert.deepEqual(onFailure, failureColumn('group commit'))
  })

  /** Groups of numbers, each of which stays in work until it is let go. */
  function gated({ concurrency = 1, groupSize = 100, maxWaitMs = 60_000 } = {}) {
    const begun: { group: number[]; gate: PromiseWithResolvers<void> }[] = []
    const commit = async (group: number[]) => {
      const gate = Promise.withResolvers<void>()
      begun.push({ group, gate })
      await gate.promise
      return group.map((item) => -item)
    }
    const groups = () => begun.map(({ group }) => group)
    return { begun, groups, submit: groupCommit({ commit, concurrency, groupSize, maxWaitMs }) }
  }

  it('begins at once with whoever comes when nothing is in work', () => {
    const { groups, submit } = gated()
    void submit(1)
    assert.deepEqual(groups(), [[1]])
  })

  it('does together what came meanwhile, and gives each its own result', async () => {
    const { begun, groups, submit } = gated()
    const results = Promise.all([1, 2, 3, 4].map(submit))
    begun[0]?.gate.resolve()
    await eventually(() => begun.length === 2)
    assert.deepEqual(groups(), [[1], [2, 3, 4]])
    begun[1]?.gate.resolve()
    assert.deepEqual(await results, [-1, -2, -3, -4])
  })

  it('keeps to its concurrency and to the size of a group', async () => {
    const { begun, groups, submit } = gated({ concurrency: 2, groupSize: 3 })
    const all = Promise.all([1, 2, 3, 4, 5, 6, 7].map(submit))
    assert.deepEqual(groups(), [[1], [2]])
    begun[0]?.gate.resolve()
    await eventually(() => begun.length === 3)
    assert.deepEqual(groups(), [[1], [2], [3, 4, 5]])
    begun[1]?.gate.resolve()
    await eventually(() => begun.length === 4)
    for (const { gate } of begun) gate.resolve()
    assert.equal((await all).length, 7)
  })

  it('does a group that fails one by one, so that nobody pays for a neighbour', async () => {
    const commit = async (group: number[]) => {
      if (group.includes(3)) throw new Error('not with 3')
      return group
    }
    const submit = groupCommit({ commit, concurrency: 1, groupSize: 10, maxWaitMs: 60_000 })
    const ends = await Promise.allSettled([1, 2, 3, 4].map(submit))
    assert.deepEqual(
      ends.map((end) => (end.status === 'fulfilled' ? end.value : end.reason.message)),
      [1, 2, 'not with 3', 4],
    )
  })

  it('does nothing again when the commit may have happened', async () => {
    let commits = 0
    const commit = async (group: number[]) => {
      if (++commits > 1) throw new EnvironmentError('unavailable', 'gone in the middle')
      return group
    }
    const submit = groupCommit({ commit, concurrency: 1, groupSize: 10, maxWaitMs: 60_000 })
    const ends = await Promise.allSettled([1, 2, 3].map(submit))
    assert.deepEqual(
      ends.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    )
    assert.equal(commits, 2)
  })

  for (const code of ['slow', 'locked'] as const) {
    it(`does nothing again when the database is ${code}, and would be so again`, async () => {
      let commits = 0
      const commit = async (group: number[]) => {
        if (++commits > 1) throw new EnvironmentError(code, 'it took too long')
        return group
      }
      const submit = groupCommit({ commit, concurrency: 1, groupSize: 10, maxWaitMs: 60_000 })
      const ends = await Promise.allSettled([1, 2, 3].map(submit))
      assert.equal(ends.filter(({ status }) => status === 'rejected').length, 2)
      assert.equal(commits, 2)
    })
  }

  it('tries nobody any more when the database goes away one by one', async () => {
    const tried: number[][] = []
    const commit = async (group: number[]) => {
      tried.push(group)
      if (group.length > 1) throw new Error('not together')
      if (group[0] === 3) throw new EnvironmentError('unavailable', 'gone')
      return group
    }
    const splits: number[] = []
    const onSplit = (_: unknown, size: number) => void splits.push(size)
    const submit = groupCommit({
      commit,
      concurrency: 1,
      groupSize: 10,
      maxWaitMs: 60_000,
      onSplit,
    })
    const ends = await Promise.allSettled([1, 2, 3, 4, 5].map(submit))
    assert.deepEqual(tried, [[1], [2, 3, 4, 5], [2], [3]])
    assert.deepEqual(
      ends.map(({ status }) => status === 'fulfilled'),
      [true, true, false, false, false],
    )
    assert.deepEqual(splits, [4])
  })

  it('rejects a group whose results are not one for each', async () => {
    const submit = groupCommit({
      commit: async () => [],
      concurrency: 1,
      groupSize: 1,
      maxWaitMs: 9,
    })
    await assert.rejects(submit(1), /Not every item/)
  })

  it('refuses who has waited too long, and never does it after all', async () => {
    const { begun, groups, submit } = gated({ maxWaitMs: 1 })
    const first = submit(1)
    await assert.rejects(submit(2), (error) => isCode(error, 'unavailable'))
    begun[0]?.gate.resolve()
    await first
    assert.deepEqual(groups(), [[1]])
  })
})
