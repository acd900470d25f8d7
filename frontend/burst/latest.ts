/** How much further back is read, once all are found: what is there twice by mistake is not far. */
const overrun = 100

/**
 * The latest items that are looked for, so many, and any more of them nearby. Whoever has other
 * items at the same time is read somewhat further back, not without end.
 */
export async function latest<T>(
  newestFirst: AsyncIterable<T>,
  count: number,
  isWanted: (item: T) => boolean,
): Promise<T[]> {
  const found: T[] = []
  let left = 2 * count + 2 * overrun
  for await (const item of newestFirst) {
    if (isWanted(item)) found.push(item)
    left = (found.length >= count ? Math.min(left, overrun) : left) - 1
    if (left <= 0) break
  }
  return found
}
