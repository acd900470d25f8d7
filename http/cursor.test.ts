import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decodeCursor, encodeCursor, type KeysetPosition, pageOf } from './cursor.ts'
import { Problem } from './problem.ts'

const place = fc.record({
  created_at: fc.date({
    min: new Date('2000-01-01'),
    max: new Date('9999-01-01'),
    noInvalidDate: true,
  }),
  id: fc.uuid(),
})
const isProblem422 = (error: unknown) =>
  error instanceof Problem && error.status === 422 && error.errors?.[0]?.pointer === '/cursor'

describe('decodeCursor', () => {
  it('reads every place back that encodeCursor wrote, in characters that a URL takes', () => {
    fc.assert(
      fc.property(place, (place) => {
        const cursor = encodeCursor(place)
        assert.match(cursor, /^[A-Za-z0-9_-]+$/)
        assert.deepEqual(decodeCursor(cursor), { ...place })
      }),
    )
  })

  it('has no place for no cursor', () => assert.equal(decodeCursor(undefined), undefined))

  it('refuses whatever we did not make, as a fault of the query', () => {
    const forged = fc.oneof(fc.string(), fc.base64String(), fc.constantFrom('', 'MQ', 'null'))
    fc.assert(
      fc.property(forged, (cursor) => assert.throws(() => decodeCursor(cursor), isProblem422)),
    )
  })

  it('refuses what only decodes to a cursor of ours', () => {
    const cursor = encodeCursor({
      created_at: new Date(),
      id: '01a203ee-7c97-725a-ab65-f34cca9e6725',
    })
    for (const forged of [
      `${cursor}!!`,
      `${cursor}==`,
      `${cursor.slice(0, 9)}*${cursor.slice(9)}`,
    ]) {
      assert.throws(() => decodeCursor(forged), isProblem422)
    }
  })

  for (const text of [
    '2026-13-45T00:00:00.000Z 01a203ee-7c97-725a-ab65-f34cca9e6725',
    "2026-01-01T00:00:00.000Z ' OR 1=1",
    '2026-01-01T00:00:00.000Z 01A203EE-7C97-725A-AB65-F34CCA9E6725',
    '2026-01-01 01a203ee-7c97-725a-ab65-f34cca9e6725',
  ]) {
    it(`refuses a cursor made of ${text}`, () => {
      const cursor = Buffer.from(text).toString('base64url')
      assert.throws(() => decodeCursor(cursor), isProblem422)
    })
  }
})

describe('pageOf', () => {
  const shape = {
    positionOf: (row: KeysetPosition) => row,
    itemOf: (row: KeysetPosition) => row.id,
  }

  it('shows each row once, in order, when the cursors are followed to the end', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(place, { selector: ({ id }) => id }),
        fc.integer({ min: 1, max: 7 }),
        (rows, size) => {
          const seen: string[] = []
          let start = 0
          for (;;) {
            const { items, next_cursor } = pageOf(rows.slice(start, start + size + 1), size, shape)
            seen.push(...items)
            if (next_cursor === null) break
            assert.equal(items.length, size)
            start = rows.findIndex(({ id }) => id === decodeCursor(next_cursor)?.id) + 1
          }
          assert.deepEqual(
            seen,
            rows.map(({ id }) => id),
          )
        },
      ),
    )
  })

  it('is empty and the last when there is nothing', () => {
    assert.deepEqual(pageOf([], 20, shape), { items: [], next_cursor: null })
  })
})
