import assert from 'node:assert/strict'
import { cellsOf } from '../report.ts'
import { figuresOf } from './figures.ts'

const round = (perSecond: number, cpuMs: number, singleMs: number[]) => ({
  perSecond,
  cpuMs,
  singleMs,
})

describe('the figures of the peers', () => {
  const inFlight = { ours: 1_000, fast: 200, thrifty: 50 }
  const figures = figuresOf(
    {
      ours: [round(1_200, 1, [8, 10])],
      fast: [round(400, 4, [9, 11])],
      thrifty: [round(300, 2, [10, 10])],
    },
    inFlight,
  )

  it('compare with whichever is better at each', () => {
    assert.deepEqual(
      figures.map(({ name, values, limits }) => [name, ...values, ...limits]),
      [
        ['peers, rate', 1_200, 400],
        ['peers, CPU', 1, 2],
        ['peers, latency p50', 9, 10],
        ['peers, latency p99', 9.98, 10],
      ],
    )
  })

  it('say what was missed, and what the others had', () => {
    assert.deepEqual(
      figures.map((figure) => cellsOf(figure).at(-1)),
      ['MISSED', 'MISSED', 'met', 'met'],
    )
    assert.match(figures[0]?.note ?? '', /fast 400 .*thrifty 300 .*under way: .*thrifty 50$/)
  })
})
