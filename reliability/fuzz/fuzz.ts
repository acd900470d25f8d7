import fc from 'fast-check'

/** One kind of input, and how it is tried. */
export interface Kind<Case> {
  name: string
  cases: fc.Arbitrary<Case>
  /** How many are tried side by side. */
  batchSize: number
  /** What is wrong of each case, in the order of the cases. */
  attempt: (cases: Case[]) => Promise<string[][]>
  /** How often each ending was seen: that it comes far is the worth of an input. */
  endings: Map<string, number>
  /** What is wrong after them, and of none of them in particular. */
  aftermath?: () => string[]
}

export interface Failure {
  kind: string
  what: string
  /** As small as was found, ready for the table of regressions. */
  smallest: string
}

export interface FuzzOptions {
  seed: number
  requests: number
  progress: (line: string) => void
}

/** So many kinds of failure are enough for one run. */
const maxFailures = 10

/** Tries that many cases, and returns one failure, shrunk, of each promise that was broken. */
export async function fuzz<Case>(kind: Kind<Case>, options: FuzzOptions): Promise<Failure[]> {
  const { requests, progress } = options
  const failures = new Map<string, Failure>()
  const batches = Math.ceil(requests / kind.batchSize)
  for (let batch = 0; batch < batches && failures.size < maxFailures; batch++) {
    const seed = options.seed * 1_000_003 + batch
    const cases = fc.sample(kind.cases, { seed, numRuns: kind.batchSize })
    const complaints = await kind.attempt(cases)
    for (const [index, all] of complaints.entries()) {
      for (const what of all) {
        if (failures.has(nameOf(what))) continue
        progress(`FAILED ${kind.name} ${what}`)
        const found = { kind: kind.name, what, smallest: JSON.stringify(cases[index]) }
        const shrunk = await shrink(kind, { seed, path: String(index), name: nameOf(what) })
        failures.set(nameOf(what), { ...found, ...shrunk })
        progress(`  smallest: ${failures.get(nameOf(what))?.smallest}`)
      }
    }
    for (const what of kind.aftermath?.() ?? []) {
      const smallest = `one of the batch with the seed ${seed}`
      failures.set(nameOf(what), { kind: kind.name, what, smallest })
    }
    if (batch % 10 === 9 || batch === batches - 1) {
      progress(`${kind.name}: ${(batch + 1) * kind.batchSize} tried: ${sayEndings(kind.endings)}`)
    }
  }
  return [...failures.values()]
}

/** `201 × 40, 422 × 12`, the most frequent first. */
const sayEndings = (endings: Map<string, number>): string =>
  [...endings]
    .sort((one, other) => other[1] - one[1])
    .map((pair) => pair.join(' × '))
    .join(', ')

export const count = (endings: Map<string, number>, ending: string): void =>
  void endings.set(ending, (endings.get(ending) ?? 0) + 1)

const nameOf = (what: string): string => what.split(':', 1)[0] ?? ''

/** The smallest case that breaks the same promise; nothing if it does not break it again. */
async function shrink<Case>(
  kind: Kind<Case>,
  { seed, path, name }: { seed: number; path: string; name: string },
): Promise<Pick<Failure, 'what' | 'smallest'> | undefined> {
  let smallest: Pick<Failure, 'what' | 'smallest'> | undefined
  const property = fc.asyncProperty(kind.cases, async (one) => {
    const complaints = (await kind.attempt([one])).flat()
    const what = complaints.find((complaint) => nameOf(complaint) === name)
    if (what) smallest = { what, smallest: JSON.stringify(one) }
    return what === undefined
  })
  await fc.check(property, { seed, path, numRuns: 1, interruptAfterTimeLimit: 20_000 })
  return smallest
}
