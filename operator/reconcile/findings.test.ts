import assert from 'node:assert/strict'
import { differingBuckets } from './findings.ts'
import { stageOf } from './stuck-stage.ts'

describe('differingBuckets', () => {
  const bucket = (bucket: number, entries: number, sum: string) => ({ bucket, entries, sum })

  it('names the buckets whose entries or sums differ, or that one database lacks', () => {
    const ours = [bucket(1, 2, '7'), bucket(2, 1, '5'), bucket(3, 1, '4'), bucket(4, 1, '0')]
    const theirs = [bucket(9, 1, '1'), bucket(1, 2, '7'), bucket(2, 2, '5'), bucket(3, 1, '5')]
    assert.deepEqual(differingBuckets(ours, theirs), [2, 3, 4, 9])
  })
})

describe('stageOf', () => {
  const nowhere = { isDecided: false, isHandled: false }
  const said = { last_error: 'bad luck' }
  const dead = { reason: 'contradiction', last_error: 'bad luck' }

  for (const [stage, where] of [
    ['request-unanswered', {}],
    ['request-unpublished', { unpublishedRequest: said, deadRequest: dead }],
    ['request-deferred', { deferredRequest: { waits_for: 'alice' }, deadRequest: dead }],
    ['request-failing', { failingRequest: said }],
    ['request-dead', { deadRequest: dead }],
    ['handled-without-decision', { isHandled: true }],
    ['reply-unpublished', { isDecided: true, unpublishedReply: said, deadReply: dead }],
    ['reply-deferred', { isDecided: true, deferredReply: { waits_for: 'an order' } }],
    ['reply-failing', { isDecided: true, failingReply: said }],
    ['reply-dead', { isDecided: true, deadReply: dead, deadRequest: dead }],
    ['reply-unheard', { isDecided: true, isHandled: true, deadRequest: dead }],
  ] as const) {
    it(`is ${stage} with ${JSON.stringify(where)}`, () => {
      const { stage: found, error } = stageOf({ ...nowhere, ...where })
      assert.equal(found, stage)
      if (/failing|unpublished/.test(stage)) assert.equal(error, 'bad luck')
      if (stage.endsWith('dead')) assert.equal(error, 'contradiction: bad luck')
    })
  }
})
