import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { eventually } from '#testing/eventually.ts'
import { dead, type Options, queue, useInbox } from '#testing/inbox.ts'
import { recordingLogger } from '#testing/logger.ts'

describe('the dead letter of an odd message', () => {
  const { broker, consume, nextDeadLetters } = useInbox()

  /** Takes nothing for an event, and remembers what it got. */
  function refusing() {
    const received: string[] = []
    const decode: NonNullable<Options['decode']> = (content) => {
      received.push(new TextDecoder().decode(content))
      return { kind: 'invalid', reason: 'bad', error: 'is bad' }
    }
    return { decode, received }
  }

  it('goes nowhere else, though its message asked for copies', async () => {
    const { decode, received } = refusing()
    await consume({ decode })
    await broker.publish({ routingKey: queue }, 'copied', { CC: [queue] })
    await eventually(async () => (await broker.depth(dead)) > 0)
    await broker.publish({ routingKey: queue }, 'last')
    await eventually(() => received.includes('last')) // whatever went before is here by now
    assert.deepEqual(received, ['copied', 'last'])
    const [letter] = await nextDeadLetters(2)
    assert.equal(letter?.properties.headers?.CC, undefined)
    assert.deepEqual(letter?.properties.headers?.['original-cc'], [queue])
  })

  it('is written at once, though its properties are bytes that are no text', async () => {
    const { logger, said } = recordingLogger()
    await consume({ decode: refusing().decode, logger })
    const [messageId, type, contentType] = [255, 200, 100].map((length) => '#'.repeat(length))
    const restore = garbleOutput(broker.channel())
    try {
      const properties = { messageId, type, contentType, headers: { mine: 'kept' } }
      await broker.publish({ routingKey: queue }, 'bad', properties as object)
    } finally {
      restore()
    }
    const [letter] = await nextDeadLetters(1)
    const properties = letter?.properties
    for (const property of [properties?.messageId, properties?.type, properties?.contentType]) {
      assert.equal(property, '\ufffd'.repeat(85))
    }
    assert.equal(properties?.headers?.mine, 'kept')
    assert.ok(!said.some((line) => line.includes('cannot be written')), 'not at once')
  })
})

/**
 * Makes each long row of `#` that is sent a row of bytes that are no text, which amqplib cannot
 * send.
 */
function garbleOutput({ connection }: object & { connection?: unknown }): () => void {
  const { stream } = connection as { stream: Socket }
  const write = stream.write.bind(stream) as (chunk: Buffer) => boolean
  const garbled = (text: string) => text.replace(/#{100,}/g, (row) => '\xff'.repeat(row.length))
  stream.write = (chunk: Buffer | string) =>
    write(Buffer.from(garbled(Buffer.from(chunk as Buffer).toString('latin1')), 'latin1'))
  return () => {
    delete (stream as Partial<Socket>).write
  }
}
