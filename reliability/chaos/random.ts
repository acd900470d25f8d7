/** Numbers that look random and are the same for the same seed, on every machine. */
export interface Random {
  /** From 0 up to, but never, 1. */
  next: () => number
  /** A whole number, both bounds included. */
  between: (min: number, max: number) => number
  pick: <T>(from: readonly T[]) => T
  /** `count` different ones. */
  sample: <T>(from: readonly T[], count: number) => T[]
}

/** One stream of numbers for each purpose, so that a change of one never shifts another. */
export function randomOf(seed: number, purpose: string): Random {
  const next = mulberry32(seed ^ hash(purpose))
  const between = (min: number, max: number) => min + Math.floor(next() * (max - min + 1))
  const pick = <T>(from: readonly T[]) => from[between(0, from.length - 1)] as T
  const sample = <T>(from: readonly T[], count: number) => {
    const left = [...from]
    return Array.from({ length: Math.min(count, left.length) }, () => {
      const [taken] = left.splice(between(0, left.length - 1), 1)
      return taken as T
    })
  }
  return { next, between, pick, sample }
}

function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193)
  return value
}
