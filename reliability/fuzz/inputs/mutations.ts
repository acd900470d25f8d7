import fc from 'fast-check'

/** Something done to bytes (a text of latin1) at a place from 0 to 1. */
export type Mutation = (bytes: string) => string

const place = fc.integer({ min: 0, max: 1_000 })
const split = (bytes: string, at: number): [string, string] => {
  const index = Math.round((bytes.length * at) / 1_000)
  return [bytes.slice(0, index), bytes.slice(index)]
}

const oddBytes = fc.oneof(
  fc.constantFrom('\0', '\r\n', '\r\n\r\n', '\n', '\r', ' ', '\t', ':', '%', '\xff', '\x80', '"'),
  fc.string({ maxLength: 8, unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) }), // biome-ignore format: one line
)

const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  place.map((at) => (bytes: string) => split(bytes, at)[0]),
  fc.tuple(place, oddBytes).map(
    ([at, odd]) =>
      (bytes: string) =>
        split(bytes, at).join(odd),
  ),
  fc.tuple(place, fc.integer({ min: 1, max: 8 })).map(([at, count]) => (bytes: string) => {
    const [before, after] = split(bytes, at)
    return before + after.slice(count)
  }),
  fc.tuple(place, fc.integer({ min: 1, max: 200 })).map(([at, count]) => (bytes: string) => {
    const [before, after] = split(bytes, at)
    return before + after.slice(0, count) + after
  }),
  fc.tuple(place, fc.integer({ min: 0, max: 7 })).map(([at, bit]) => (bytes: string) => {
    const [before, after] = split(bytes, at)
    const first = after.slice(0, 1)
    return first && before + String.fromCharCode(first.charCodeAt(0) ^ (1 << bit)) + after.slice(1)
  }),
)

/** Mostly none; truncation, insertion, deletion, repetition, a bit that flips. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Mutation[]>([]) },
  { weight: 1, arbitrary: fc.array(mutation, { minLength: 1, maxLength: 3 }) },
)

export const mutated = (bytes: string, all: readonly Mutation[]): string =>
  all.reduce((result, mutate) => mutate(result), bytes)
