import assert from 'node:assert/strict'
import { RestartTurns } from './restart-turns.ts'

describe('restart turns', () => {
  const name = 'payments-consumer'

  /** Whether it has its turn by the time that everything which need not wait is done. */
  async function hasTurn(turn: Promise<void>): Promise<boolean> {
    const later = new Promise<false>((resolve) => setImmediate(resolve, false))
    return await Promise.race([turn.then(() => true), later])
  }

  it('let one start at once when nobody like it is starting', async () => {
    const turns = new RestartTurns()
    turns.begin('payments-relay', new Promise(() => {}))
    assert.ok(await hasTurn(turns.wait(name)))
  })

  it('let a replica wait until the other is ready', async () => {
    const turns = new RestartTurns()
    const { promise, resolve } = Promise.withResolvers<void>()
    turns.begin(name, promise)
    const turn = turns.wait(`${name}.2`)
    assert.ok(!(await hasTurn(turn)))
    resolve()
    await turn
    assert.ok(await hasTurn(turns.wait(`${name}.3`)))
  })

  it('let it wait for a second at most, and not when everything is stopped', async () => {
    const turns = new RestartTurns()
    turns.begin(name, new Promise(() => {}))
    const startedAt = performance.now()
    await turns.wait(`${name}.2`, AbortSignal.abort())
    assert.ok(performance.now() - startedAt < 500)
    await turns.wait(`${name}.2`)
    assert.ok(performance.now() - startedAt >= 900)
  })
})
