import { Problem } from './problem.ts'

/** The position of a row in a list that is sorted newest first (keyset pagination). */
export interface KeysetPosition {
  created_at: Date
  id: string
}

/** The cursor of a position, opaque to callers. */
export const encodeCursor = ({ created_at, id }: KeysetPosition): string =>
  Buffer.from(`${created_at.toISOString()} ${id}`).toString('base64url')

const form =
  /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/

/** The position of a cursor, if there is one. Throws a Problem (422) for an invalid cursor. */
export function decodeCursor(cursor: string | undefined): KeysetPosition | undefined {
  if (cursor === undefined) return undefined
  const [, time = '', id = ''] = form.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  const created_at = new Date(time)
  const isOurs = !Number.isNaN(created_at.getTime()) && encodeCursor({ created_at, id }) === cursor
  if (isOurs) return { created_at, id }
  throw new Problem(422, 'The request is invalid; see `errors`.', {
    errors: [{ pointer: '/cursor', message: 'must be the next_cursor of an earlier response' }],
  })
}

/** A page of rows, which were read with a limit of one more than its size. */
export function pageOf<Row, Item>(
  rows: Row[],
  size: number,
  { positionOf, itemOf }: { positionOf: (row: Row) => KeysetPosition; itemOf: (row: Row) => Item },
): { items: Item[]; next_cursor: string | null } {
  const items = rows.slice(0, size)
  const last = items.at(-1)
  const more = rows.length > size && last !== undefined
  return { items: items.map(itemOf), next_cursor: more ? encodeCursor(positionOf(last)) : null }
}
