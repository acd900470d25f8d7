/** A page of a list, newest first. */
export interface Page<T> {
  items: T[]
  next_cursor: string | null
}

/** The most that a page holds. */
export const pageSize = 100

/** The items of a list one by one; a page is read only when its first item is asked for. */
export async function* itemsOf<T>(
  readPage: (query: { limit: number; cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<T, void> {
  let cursor: string | null | undefined
  while (cursor !== null) {
    const page = await readPage({ limit: pageSize, ...(cursor !== undefined && { cursor }) })
    yield* page.items
    cursor = page.next_cursor
  }
}
