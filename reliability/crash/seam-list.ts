import type { ProcessName } from '#local/stack/ports.ts'
import type { Crash } from './cells.ts'
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

/** Two statements behind one name would be one seam for two: then the naming must be made finer. */
export function sharedNames(notes: Map<ProcessName, Note[]>): string[] {
  return [...notes].flatMap(([process, list]) => {
    const texts = new Map<string, Set<string>>()
    for (const note of list) {
      if (!('met' in note) || note.text === undefined) continue
      const text = note.text.replace(/probe_[0-9a-f-]{36}/, 'probe') // each session has its own
      texts.set(note.met, (texts.get(note.met) ?? new Set()).add(text))
    }
    return [...texts].flatMap(([name, found]) =>
      found.size > 1 ? [`${process}: "${name}" is ${[...found].join(' | ')}`] : [],
    )
  })
}
