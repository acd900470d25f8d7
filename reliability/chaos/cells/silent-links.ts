import { processNames } from '#local/stack/ports.ts'
import { pause } from '#local/supervisor/waiting.ts'
import { type Cell, finalWithin, underLoad } from '../cell.ts'
import { type Field, freeze } from '../field.ts'
import { randomOf } from '../random.ts'
import { type Link, links } from '../schedule.ts'

const toServers: Link[] = links.filter((link) => link !== 'gateway')

/**
 * X19: links go silent one by one, and are restored in any order, while one of each worker is dead
 * for good.
 */
export const silentLinksCell: Cell = {
  name: 'x19',
  title:
    'links lost one by one and restored in random order; one replica of each worker stays frozen',
  count: 3,
  run: underLoad(async (field, { seed, count, progress }) => {
    const random = randomOf(seed, 'x19')
    const late: string[] = []
    const dead = processNames.filter((name) => !name.endsWith('-api')).map((name) => `${name}.2`)
    const goOn = freeze(field, dead)
    for (let round = 1; round <= count; round++) {
      progress(`round ${round} of ${count}`)
      const restores: (() => void)[] = []
      for (const link of random.sample(toServers, toServers.length)) {
        restores.push(silence(field, link))
        await pause(random.between(500, 3_000), field.signal)
      }
      for (const restore of random.sample(restores, restores.length)) {
        restore()
        await pause(random.between(500, 3_000), field.signal)
      }
      const isOver = await finalWithin(field, 45_000, 'silent links')
      if (!isOver)
        late.push(`round ${round}: orders are pending 45 s after all links were restored`)
    }
    goOn()
    return late
  }),
}

/** Returns what restores the link. */
function silence({ system, journal }: Field, link: Link): () => void {
  const restore = system.links[link].disturb({ silent: ['up', 'down'] })
  journal.act('silent', link)
  return () => {
    restore()
    journal.note(`restored: ${link}`)
  }
}
