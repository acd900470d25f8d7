import { type Cell, finalWithin, load, underLoad } from '../cell.ts'
import { type Field, sendSignal } from '../field.ts'
import { openFilesOf, watchMemory } from '../memory.ts'
import { pendingBefore } from '../rows.ts'
import { openTransactions } from '../run.ts'
import type { System } from '../system.ts'

/** Within each half, from its first half to its second: noise of the garbage collection. */
const growthMaxMb = 20

/** A full pool of connections, and those to the clients that come back all at once. */
const moreFilesMax = 40

/** Two samples for each half of a half. */
const fewestSeconds = 8

/**
 * What waits for the broker waits on the disk. Half of the time it says nothing and its connections
 * stay open, the other half it is dead.
 */
export const outageCell: Cell = {
  name: 'long-outage',
  title: 'the broker away for so many seconds: orders are accepted, no process grows',
  count: 600,
  run: underLoad(async (field, { count, progress }) => {
    const { system, journal } = field
    const before = openFiles(system)
    const seconds = Math.ceil(Math.max(count, fewestSeconds) / 2)
    const watch = (how: 'silent' | 'dead') => watchWhile(how, field, { seconds, progress })
    if (!sendSignal(system.broker.pid, 'SIGSTOP')) return ['there was no broker to freeze']
    journal.act('stop', 'broker')
    const whileSilent = await watch('silent')
    await system.broker.kill()
    journal.act('kill', 'broker')
    const whileDead = await watch('dead')
    const open = await openTransactions(system.databases)
    const waiting = await pendingBefore(system.databases.orders, Date.now())
    await system.broker.restart()
    journal.note('the broker is back')
    progress(`${waiting} orders waited`)
    const isOver = await finalWithin(field, 60_000, 'the broker is back')
    return [
      ...whileSilent,
      ...whileDead,
      ...(open > 0 ? [`${open} transactions were open while the broker was dead`] : []),
      ...tooFew(waiting, { seconds, journal }),
      ...leaks(before, field),
      ...(isOver ? [] : ['orders are pending a minute after the broker is back']),
    ]
  }),
}

async function watchWhile(
  how: 'silent' | 'dead',
  { system, journal }: Field,
  run: { seconds: number; progress: (line: string) => void },
): Promise<string[]> {
  const what = `growth of a process while the broker is ${how}`
  const measure = (value: number) =>
    journal.measure({ what, value, limit: growthMaxMb, unit: 'MB' })
  const faults = await watchMemory(system, { ...run, growthMaxMb, measure })
  return faults.map((fault) => `${fault} while the broker was ${how}`)
}

/** Of all that were placed in both halves, four of five at least. */
function tooFew(value: number, { seconds, journal }: { seconds: number } & Pick<Field, 'journal'>) {
  const limit = 1.6 * seconds * load.ordersPerSecond
  const what = 'orders accepted while the broker was away'
  journal.measure({ what, value, limit, unit: 'orders', isLeast: true })
  return value > limit ? [] : [`only ${value} were accepted`]
}

const openFiles = ({ processes, pidOf }: System) =>
  new Map(processes.map((name) => [name, openFilesOf(pidOf(name))]))

function leaks(before: Map<string, number>, { system, journal }: Field): string[] {
  return [...openFiles(system)].flatMap(([name, count]) => {
    const value = count - (before.get(name) ?? 0)
    journal.measure({
      what: 'files open, more than before',
      value,
      limit: moreFilesMax,
      unit: 'files',
    })
    if (value <= moreFilesMax) return []
    return [`${name} has ${count} files open, ${before.get(name)} before`]
  })
}
