import { processNames } from '#local/ports.ts'
import { pause } from '#local/waiting.ts'
import { type Cell, underLoad, untilFinal } from '../cell.ts'
import { sendSignal } from '../field.ts'
import { randomOf } from '../random.ts'
import { type Link, links } from '../schedule.ts'

const toServers: Link[] = links.filter((link) => link !== 'gateway')

/** X19: links go silent one by one, and heal in any order, while one of each worker is dead for good. */
export const swizzleCell: Cell = {
  name: 'x19',
  title:
    'links lost one by one and healed in random order; one replica of each worker stays frozen',
  count: 3,
  run: underLoad(async ({ system, signal }, { seed, count, progress }) => {
    const random = randomOf(seed, 'x19')
    const late: string[] = []
    const dead = processNames.filter((name) => !name.endsWith('-api')).map((name) => `${name}.2`)
    for (const name of dead) sendSignal(system.pidOf(name), 'SIGSTOP')
    for (let round = 1; round <= count; round++) {
      progress(`round ${round} of ${count}`)
      const heals: (() => void)[] = []
      for (const link of random.sample(toServers, toServers.length)) {
        heals.push(system.links[link].disturb({ silent: ['up', 'down'] }))
        await pause(random.between(500, 3_000), signal)
      }
      for (const heal of random.sample(heals, heals.length)) {
        heal()
        await pause(random.between(500, 3_000), signal)
      }
      const isOver = await untilFinal(system, Date.now(), 45_000)
      if (!isOver) late.push(`round ${round}: orders are pending 45 s after all links have healed`)
    }
    for (const name of dead) sendSignal(system.pidOf(name), 'SIGCONT')
    return late
  }),
}
