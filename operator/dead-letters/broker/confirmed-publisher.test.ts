import assert from 'node:assert/strict'
import type { MessageProperties } from 'amqplib'
import { chunksBySize } from './confirmed-publisher.ts'

const properties = {} as MessageProperties
const chunkSizes = (sizes: number[], maxBytes: number) =>
  chunksBySize(
    sizes.map((size) => ({ content: Buffer.alloc(size), properties })),
    maxBytes,
  ).map((chunk) => chunk.map(({ content }) => content.length))

describe('chunksBySize', () => {
  it('fills each chunk as far as possible, in the order of the messages', () => {
    assert.deepEqual(chunkSizes([3, 4, 3, 9, 1, 1], 10), [[3, 4, 3], [9, 1], [1]])
  })

  it('makes a chunk of its own for a message that is larger than a chunk', () => {
    assert.deepEqual(chunkSizes([1, 30, 40, 2, 8], 10), [[1], [30], [40], [2, 8]])
  })

  it('makes no chunk of no messages, and one chunk of empty messages', () => {
    assert.deepEqual(chunkSizes([], 10), [])
    assert.deepEqual(chunkSizes([0, 0], 10), [[0, 0]])
  })
})
