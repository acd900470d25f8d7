import assert from 'node:assert/strict'
import type { MessageProperties } from 'amqplib'
import { cutBySize } from './confirmed-publisher.ts'

const properties = {} as MessageProperties
const sizesOf = (sizes: number[], mostBytes: number) =>
  cutBySize(
    sizes.map((size) => ({ content: Buffer.alloc(size), properties })),
    mostBytes,
  ).map((row) => row.map(({ content }) => content.length))

describe('cutBySize', () => {
  it('fills each row as far as it goes, in their order', () => {
    assert.deepEqual(sizesOf([3, 4, 3, 9, 1, 1], 10), [[3, 4, 3], [9, 1], [1]])
  })

  it('gives a row of its own to what is larger than a row', () => {
    assert.deepEqual(sizesOf([1, 30, 40, 2, 8], 10), [[1], [30], [40], [2, 8]])
  })

  it('makes no row of nothing, and one of what is empty', () => {
    assert.deepEqual(sizesOf([], 10), [])
    assert.deepEqual(sizesOf([0, 0], 10), [[0, 0]])
  })
})
