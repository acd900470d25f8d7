import assert from 'node:assert/strict'
import { differingParts } from './findings.ts'
import { stageOf } from './stuck-stage.ts'

describe('differingParts', () => {
  const part = (part: number, entries: number, sum: string) => ({ part, entries, sum })

  it('names the parts whose entries or sums differ, or that one book lacks', () => {
    const ours = [part(1, 2, '7'), part(2, 1, '5'), part(3, 1, '4'), part(4, 1, '0')]
    const theirs = [part(9, 1, '1'), part(1, 2, '7'), part(2, 2, '5'), part(3, 1, '5')]
    assert.deepEqual(differingParts(ours, theirs), [2, 3, 4, 9])
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
