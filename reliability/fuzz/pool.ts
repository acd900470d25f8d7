/** Does something with each of many, some at a time, and keeps their order. */
export async function inPool<T, Result>(
  all: readonly T[],
  size: number,
  work: (one: T) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  const left = all.entries()
  const worker = async () => {
    for (const [index, one] of left) results[index] = await work(one)
  }
  await Promise.all(Array.from({ length: size }, worker))
  return results
}
