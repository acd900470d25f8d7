import { type Cell, faultAfterFault } from '../cell.ts'
import type { Fault } from '../schedule.ts'

const repeat = (count: number, faults: (index: number) => Fault[]): Fault[] =>
  Array.from({ length: count }, (_, index) => faults(index)).flat()

/** X3 to X5 and X7: processes and servers that die, stop, or come back with nothing. */
export const serverCells: Cell[] = [
  {
    name: 'x3',
    title: 'SIGKILL, one process after the other',
    count: 24,
    run: faultAfterFault(
      (count, { processes }) =>
        repeat(count, (index) => [
          { kind: 'kill', victims: [processes[index % processes.length] as string] },
        ]),
      { withinMs: 20_000 },
    ),
  },
  {
    name: 'x4',
    title: 'SIGSTOP for longer than a transaction may idle, then SIGCONT',
    count: 6,
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
    count: 3,
    run: faultAfterFault((count) => repeat(count, () => [{ kind: 'kill broker' }]), {
      withinMs: 30_000,
    }),
  },
  {
    name: 'x7',
    title: 'PostgreSQL killed, both databases at once',
    count: 5,
    run: faultAfterFault((count) => repeat(count, () => [{ kind: 'kill postgres' }]), {
      withinMs: 30_000,
    }),
  },
]

const workers = (processes: string[]) => processes.filter((name) => !/-api/.test(name))
