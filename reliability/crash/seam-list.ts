import type { ProcessName } from '#local/stack/ports.ts'
import type { Crash } from './cells.ts'
import { isNamed } from './name-statement.ts'
import type { Note } from './seams.ts'

/**
 * Each seam of each process, before and after, once, in the order in which they were met. Where one
 * call follows another at once, after the one is before the other: unless `isExhaustive`, one crash
 * stands for both.
 */
export function seamsIn(notes: Map<ProcessName, Note[]>, { isExhaustive = false } = {}): Crash[] {
  return [...notes].flatMap(([process, list]) => {
    const crashes = new Map<string, Crash>()
    for (const note of list) {
      if (!('met' in note)) continue
      const { met: seam, when, since = '' } = note
      const name = `${when} ${seam}`
      if (crashes.has(name)) continue
      const former = since.startsWith('after ') ? crashes.get(since) : undefined
      const stands = !isExhaustive && when === 'before' && former && !former.asBefore
      if (stands) former.asBefore = seam
      crashes.set(name, stands ? former : { process, seam, when, action: 'exit' })
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
