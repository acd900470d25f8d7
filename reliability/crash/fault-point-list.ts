import type { ProcessName } from '#local/stack/ports.ts'
import type { Crash } from './cells.ts'
import type { Note } from './fault-points.ts'
import { isNamed } from './name-statement.ts'

/**
 * Each fault point of each process, before and after, once, in the order in which they were met.
 * Where one call follows another at once, after the one is before the other: unless `isExhaustive`,
 * one crash stands for both.
 */
export function faultPointsIn(
  notes: Map<ProcessName, Note[]>,
  { isExhaustive = false } = {},
): Crash[] {
  return [...notes].flatMap(([process, list]) => {
    const crashes = new Map<string, Crash>()
    for (const note of list) {
      if (!('met' in note)) continue
      const { met: point, when, since = '' } = note
      const name = `${when} ${point}`
      if (crashes.has(name)) continue
      const former = since.startsWith('after ') ? crashes.get(since) : undefined
      const stands = !isExhaustive && when === 'before' && former && !former.asBefore
      if (stands) former.asBefore = point
      crashes.set(name, stands ? former : { process, point, when, action: 'exit' })
    }
    return [...new Set(crashes.values())]
  })
}

/** Two statements without a name could be one fault point: then one of them is killed nowhere. */
export const unnamedStatements = (notes: Map<ProcessName, Note[]>): string[] =>
  [...notes].flatMap(([process, list]) =>
    list.flatMap((note) =>
      'met' in note && note.text !== undefined && !isNamed(note.text)
        ? [`${process}: a statement has no name in a comment: ${note.text}`]
        : [],
    ),
  )
