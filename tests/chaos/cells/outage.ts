import { type Cell, load, underLoad, untilFinal } from '../cell.ts'
import { sendSignal } from '../field.ts'
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
 * X20: what waits for the broker waits on the disk. Half of the time it says nothing and its
 * connections stay open, the other half it is dead.
 */
export const outageCell: Cell = {
  name: 'x20',
  title: 'the broker away for so many seconds: orders are accepted, no process grows',
  count: 600,
  run: underLoad(async ({ system }, { count, progress }) => {
    const before = openFiles(system)
    const seconds = Math.ceil(Math.max(count, fewestSeconds) / 2)
    const watch = () => watchMemory(system, { seconds, growthMaxMb, progress })
    if (!sendSignal(system.broker.pid, 'SIGSTOP')) return ['there was no broker to freeze']
    const whileSilent = await watch()
    await system.broker.kill()
    const whileDead = await watch()
    const open = await openTransactions(system.databases)
    const waiting = await pendingBefore(system.databases.orders, Date.now())
    await system.broker.restart()
    const backAtMs = Date.now()
    const isOver = await untilFinal(system, backAtMs, 60_000)
    progress(`${waiting} orders waited, ${(Date.now() - backAtMs) / 1_000} s until they were final`)
    return [
      ...whileSilent.map((fault) => `${fault} while the broker was silent`),
      ...whileDead.map((fault) => `${fault} while the broker was dead`),
      ...(open > 0 ? [`${open} transactions were open while the broker was dead`] : []),
      ...(waiting > 1.6 * seconds * load.ordersPerSecond ? [] : [`only ${waiting} were accepted`]),
      ...leaks(before, openFiles(system)),
      ...(isOver ? [] : ['orders are pending a minute after the broker is back']),
    ]
  }),
}

const openFiles = ({ processes, pidOf }: System) =>
  new Map(processes.map((name) => [name, openFilesOf(pidOf(name))]))

const leaks = (before: Map<string, number>, after: Map<string, number>): string[] =>
  [...after].flatMap(([name, count]) =>
    count <= (before.get(name) ?? 0) + moreFilesMax
      ? []
      : [`${name} has ${count} files open, ${before.get(name)} before`],
  )
