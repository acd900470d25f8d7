import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ProcessName, processNames } from '#local/ports.ts'
import { pause } from '#local/waiting.ts'
import { type Cell, underLoad, untilFinal } from '../cell.ts'
import { type Field, sendSignal } from '../field.ts'

const library = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'

/** X12: state is timed by the clock of the database, so one that is wrong harms nobody. */
export const clockCell: Cell = {
  name: 'x12',
  title: 'a worker whose clock is an hour ahead, then an hour behind, alone at work',
  count: 1,
  unable: () => (existsSync(library) ? undefined : 'needs libfaketime (apt-get install faketime)'),
  run: underLoad(async (field, { count, progress }) => {
    const faults: string[] = []
    for (let round = 0; round < count; round++) {
      for (const name of processNames.filter((each) => !each.endsWith('-api'))) {
        progress(`${name} with a wrong clock`)
        faults.push(...(await withWrongClock(field, name)))
      }
    }
    return faults
  }),
}

async function withWrongClock({ system }: Field, name: ProcessName): Promise<string[]> {
  const clock = join(system.dir, `clock-${name}`)
  writeFileSync(clock, '+1h\n')
  const extra = await system.startExtra(name, {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  })
  const others = [name, `${name}.2`].map(system.pidOf)
  for (const pid of others) sendSignal(pid, 'SIGSTOP')
  await pause(4_000)
  writeFileSync(clock, '-1h\n')
  await pause(4_000)
  // What the frozen ones have in hand comes free when the broker misses their heartbeats.
  const isOver = await untilFinal(system, Date.now(), 60_000)
  for (const pid of others) sendSignal(pid, 'SIGCONT')
  await extra.stop()
  return isOver ? [] : [`orders are pending with ${name} in the hands of a wrong clock`]
}
