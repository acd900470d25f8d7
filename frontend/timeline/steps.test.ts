import assert from 'node:assert/strict'
import { firstSteps, type StageTime, stepsOf } from './steps.ts'

const at = (ms: number) => new Date(Date.UTC(2026, 0, 31, 12, 0, 0, ms)).toISOString()
const names = ['accepted', 'relayed', 'received', 'charged', 'reply_relayed', 'settled'] as const
const whole: StageTime[] = names.map((stage, index) => ({ stage, at: at(index * index) }))
const statesOf = (stages: StageTime[]) => stepsOf(stages).map(({ state }) => state)

describe('stepsOf', () => {
  it('says of each step how long it took after the one before', () => {
    assert.deepEqual(
      stepsOf(whole).map(({ tookMs }) => tookMs),
      [undefined, 1, 3, 5, 7, 9],
    )
  })

  it('waits for the first step that has not happened', () => {
    assert.deepEqual(statesOf(whole.slice(0, 2)), ['done', 'done', 'now', 'todo', 'todo', 'todo'])
    assert.deepEqual(statesOf([]), ['now', 'todo', 'todo', 'todo', 'todo', 'todo'])
  })

  it('has a refusal in the place of the charge', () => {
    const refused = whole.map((one) =>
      one.stage === 'charged' ? { ...one, stage: 'refused' as const } : one,
    )
    const step = stepsOf(refused)[3]
    assert.deepEqual([step?.label, step?.state, step?.tookMs], ['Refused', 'bad', 5])
  })

  it('waits for nothing once the order is settled, and skips what is not recorded', () => {
    const old = whole.filter(({ stage }) => stage === 'accepted' || stage === 'settled')
    assert.deepEqual(statesOf(old), ['done', 'unknown', 'unknown', 'unknown', 'unknown', 'done'])
    assert.equal(stepsOf(old)[5]?.tookMs, 25)
  })
})

describe('stepsOf a refund', () => {
  const accepted: StageTime[] = [...whole, { stage: 'refund_accepted', at: at(100) }]

  it('has two steps more, and waits for the end', () => {
    const steps = stepsOf(accepted).slice(6)
    assert.deepEqual(
      steps.map(({ label, state }) => [label, state]),
      [
        ['Refund accepted', 'done'],
        ['Refunded', 'now'],
      ],
    )
    const [, end] = stepsOf([...accepted, { stage: 'refunded', at: at(120) }]).slice(6)
    assert.deepEqual([end?.state, end?.tookMs], ['done', 20])
  })

  it('says that it was refused', () => {
    const [, end] = stepsOf(accepted, { isRefundRefused: true }).slice(6)
    assert.deepEqual([end?.label, end?.state], ['Refund refused', 'bad'])
  })
})

describe('firstSteps', () => {
  it('shows a whole life up to a step, and waits for the next', () => {
    assert.deepEqual(
      firstSteps(stepsOf(whole), 2).map(({ state }) => state),
      ['done', 'done', 'now', 'todo', 'todo', 'todo'],
    )
    assert.deepEqual(firstSteps(stepsOf(whole), 6), stepsOf(whole))
  })
})
