import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ProcessName, processNames } from '#local/stack/ports.ts'
import { pause } from '#local/supervisor/waiting.ts'
import { type Cell, finalWithin, underLoad } from '../cell.ts'
import { type Field, freeze } from '../field.ts'

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

async function withWrongClock(field: Field, name: ProcessName): Promise<string[]> {
  const { system, journal } = field
  const clock = join(system.dir, `clock-${name}`)
  writeFileSync(clock, '+1h\n')
  const extra = await system.startExtra(name, {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
  })
  journal.act('clock an hour ahead', name)
  const goOn = freeze(field, [name, `${name}.2`])
  await pause(4_000)
  writeFileSync(clock, '-1h\n')
  journal.act('clock an hour behind', name)
  await pause(4_000)
  // What the frozen ones have in hand comes free when the broker misses their heartbeats.
  const isOver = await finalWithin(field, 60_000, `a wrong clock of ${name}`)
  goOn()
  await extra.stop()
  return isOver ? [] : [`orders are pending with ${name} in the hands of a wrong clock`]
}
