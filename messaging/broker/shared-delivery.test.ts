import assert from 'node:assert/strict'
import type { Delivery } from './consumer.ts'
import { eventsOf } from './shared-delivery.ts'
import { sharedContentType } from './shared-message.ts'

/** A delivery that notes how it was answered. */
function delivered(text: string, contentType = sharedContentType) {
  const answers: string[] = []
  const delivery = {
    content: Buffer.from(text),
    messageId: 'of the message',
    properties: { contentType, messageId: 'of the message', correlationId: 'kept' },
    headers: { 'relayed-at': 'then' },
    isRedelivered: true,
    isLost: () => false,
    ack: () => answers.push('ack'),
    requeue: () => answers.push('requeue'),
  } as unknown as Delivery
  return { answers, delivery, events: eventsOf(delivery) }
}
const two = '{"id":"a","type":"A"}\n{"id":"b","type":"B"}\n'

describe('the events of a message', () => {
  it('are the message itself unless it says that they share it', () => {
    const { delivery, events } = delivered(two, 'application/cloudevents+json')
    assert.deepEqual(events, [delivery])
  })

  it('each have their bytes, id and type, and all else from the message', () => {
    const { events } = delivered(two)
    assert.deepEqual(
      events.map(({ content }) => content.toString()),
      ['{"id":"a","type":"A"}', '{"id":"b","type":"B"}'],
    )
    const { properties, messageId, headers, isRedelivered } = events[1] as Delivery
    assert.deepEqual(properties, {
      contentType: 'application/cloudevents+json',
      correlationId: 'kept',
      messageId: 'b',
      type: 'B',
    })
    assert.equal(messageId, 'b')
    assert.equal(headers['relayed-at'], 'then')
    assert.ok(isRedelivered)
  })

  it('have no id where a line is no event', () => {
    const { events } = delivered('null\nno json\n{"id":7}')
    assert.deepEqual(
      events.map(({ messageId }) => messageId),
      [undefined, undefined, undefined],
    )
  })

  it('are one empty event where the message has no line', () => {
    assert.deepEqual(
      delivered('\n\n').events.map(({ content }) => content.length),
      [0],
    )
  })

  it('are one event where the message is larger than any of ours', () => {
    const { delivery, events } = delivered('\n'.repeat(70_000))
    assert.deepEqual(events, [delivery])
  })

  it('acknowledge the message when the last of them is acknowledged', () => {
    const { answers, events } = delivered(two)
    events[1]?.ack()
    events[1]?.ack()
    assert.deepEqual(answers, [])
    events[0]?.ack()
    assert.deepEqual(answers, ['ack'])
  })

  it('requeue the message if one of them is requeued, once all are answered', () => {
    const { answers, events } = delivered(two)
    events[0]?.requeue()
    assert.deepEqual(answers, [])
    events[1]?.ack()
    assert.deepEqual(answers, ['requeue'])
  })
})
