import { type Cell, faultAfterFault } from '../cell.ts'
import { shown } from '../recovery.ts'
import type { Fault } from '../schedule.ts'

const repeat = (count: number, faults: (index: number) => Fault[]): Fault[] =>
  Array.from({ length: count }, (_, index) => faults(index)).flat()

/** X3 to X5 and X7: processes and servers that die, stop, or come back with nothing. */
export const serverCells: Cell[] = [
  {
    name: 'x3',
    title: 'SIGKILL, one process after the other',
    count: 36,
    replicas: 1, // nobody takes over: what it had in hand waits for its next life
    run: faultAfterFault(
      (count, { processes }) =>
        repeat(count, (index) => [
          { kind: 'kill', victims: [processes[index % processes.length] as string] },
        ]),
      { withinMs: 20_000, ordersPerSecond: 60, shows: [shown.kill] },
    ),
  },
  {
    name: 'x4',
    title: 'SIGSTOP for longer than a transaction may idle, then SIGCONT',
    count: 8,
    run: faultAfterFault(
      (count, { processes }) =>
        repeat(count, (index) => [
          { kind: 'stop', victim: workers(processes)[index % 8] as string, forMs: 13_000 },
        ]),
      { withinMs: 30_000 },
    ),
  },
  {
    name: 'x5',
    title: 'broker killed',
    count: 5,
    run: faultAfterFault((count) => repeat(count, () => [{ kind: 'kill broker' }]), {
      withinMs: 30_000,
      ordersPerSecond: 60,
      shows: [shown.brokerKill],
    }),
  },
  {
    name: 'x7',
    title: 'PostgreSQL killed, both databases at once',
    count: 5,
    run: faultAfterFault((count) => repeat(count, () => [{ kind: 'kill postgres' }]), {
      withinMs: 30_000,
      shows: [shown.postgresKill],
    }),
  },
]

const workers = (processes: string[]) => processes.filter((name) => !/-api/.test(name))
