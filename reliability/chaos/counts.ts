import type { Journal } from './journal.ts'
import { faultKinds, links } from './schedule.ts'

interface Count {
  what: string
  times: number
  /** How many processes, connections, messages … were met. */
  hits: number
  missed: number
}

/**
 * How often each kind was injected, network faults by their link; and what a cell has done by
 * itself, by what it was done to.
 */
export function countsOf(journal: Pick<Journal, 'injected' | 'missed' | 'acts'>): Count[] {
  return [...injectedCounts(journal), ...actCounts(journal)]
}

function injectedCounts({ injected, missed }: Pick<Journal, 'injected' | 'missed'>): Count[] {
  const nameOf = (fault: { kind: string; link?: string }) =>
    fault.link === undefined ? fault.kind : `${fault.kind}: ${fault.link}`
  const names = faultKinds.flatMap((kind) => [kind, ...links.map((link) => `${kind}: ${link}`)])
  return names.flatMap((what) => {
    const done = injected.filter(({ fault }) => nameOf(fault) === what)
    const without = missed.filter(({ fault }) => nameOf(fault) === what).length
    const hits = done.reduce((sum, one) => sum + one.hits, 0)
    if (done.length + without === 0) return []
    return [{ what, times: done.length, hits, missed: without }]
  })
}

function actCounts({ acts }: Pick<Journal, 'acts'>): Count[] {
  const names = Map.groupBy(acts, ({ what, on }) => `${what}: ${on}`)
  return [...names].map(([what, all]) => {
    const hits = all.reduce((sum, one) => sum + one.hits, 0)
    return { what, times: all.length, hits, missed: 0 }
  })
}
