import type { Load, Loaded } from './load-orders.ts'
import { alternate, type Bench, type Figure, type Measurement, rounds } from './measurement.ts'
import { startDbos, startOurs, startRestate } from './peers/contenders.ts'
import { figuresOf } from './peers/figures.ts'
import { installPackages } from './peers/packages.ts'
import { bestInFlight, measureRound, type Round } from './peers/rounds.ts'
import { startPeer } from './processes.ts'

const starts = { ours: startOurs, 'DBOS Transact': startDbos, Restate: startRestate }
type Name = keyof typeof starts

/**
 * The same orders by engines of durable execution: charge and settle by one prepared statement
 * each, bare `node:http`, no broker and no gateway. One system runs at a time, with as many orders
 * under way as suit it best. All are watched in their rows, and audited after each round.
 */
export const peers: Measurement = {
  name: 'peers',
  isLong: true,
  run: async (bench: Bench): Promise<Figure[]> => {
    await installPackages(bench.progress)
    await using load = startPeer<Load, Loaded>('load-orders.ts')
    const measured: Record<Name, Round[]> = { ours: [], 'DBOS Transact': [], Restate: [] }
    const inFlight: Record<Name, number> = { ours: 0, 'DBOS Transact': 0, Restate: 0 }
    const sideOf = (name: Name) => async (round: number) => {
      await using contender = await starts[name](bench)
      const loading = { contender, load, seconds: bench.quick ? 4 : 30 }
      if (round === 0) {
        inFlight[name] = await bestInFlight(loading)
        return inFlight[name]
      }
      const one = await measureRound(loading, inFlight[name])
      measured[name].push(one)
      return one.perSecond
    }
    const sides = {
      ours: sideOf('ours'),
      'DBOS Transact': sideOf('DBOS Transact'),
      Restate: sideOf('Restate'),
    }
    await alternate(bench, 'peers', sides, { times: bench.quick ? 1 : rounds })
    return figuresOf(measured, inFlight)
  },
}
