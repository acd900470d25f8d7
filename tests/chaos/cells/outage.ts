import { type Cell, load, underLoad, untilFinal } from '../cell.ts'
import { sendSignal } from '../field.ts'
import { MemoryWatch } from '../memory.ts'
import { pendingBefore } from '../rows.ts'

/** Between the second third of the time and the last: noise of the garbage collection. */
const growthMaxMb = 20

/**
 * X20: what waits for the broker waits on the disk. Half of the time it says nothing and its
 * connections stay open, the other half it is dead.
 */
export const outageCell: Cell = {
  name: 'x20',
  title: 'the broker away for so many seconds: orders are accepted, no process grows',
  count: 600,
  run: underLoad(async ({ system }, { count, progress }) => {
    const memory = new MemoryWatch(system)
    const watch = (seconds: number) => memory.watch({ seconds, everySeconds: 30, progress })
    sendSignal(system.broker.pid, 'SIGSTOP')
    await watch(count / 2)
    await system.broker.kill()
    await watch(count / 2)
    const waiting = await pendingBefore(system.databases.orders, Date.now())
    await system.broker.restart()
    const backAtMs = Date.now()
    const isOver = await untilFinal(system, backAtMs, 60_000)
    progress(`${waiting} orders waited, ${(Date.now() - backAtMs) / 1_000} s until they were final`)
    return [
      ...memory.grown(growthMaxMb),
      ...(waiting > 0.8 * count * load.ordersPerSecond ? [] : [`only ${waiting} were accepted`]),
      ...(isOver ? [] : ['orders are pending a minute after the broker is back']),
    ]
  }),
}
