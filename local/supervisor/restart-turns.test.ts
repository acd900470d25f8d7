import assert from 'node:assert/strict'
import { RestartTurns } from './restart-turns.ts'

describe('restart turns', () => {
  const name = 'payments-consumer'

  /** Whether it has its turn by the time that everything which need not wait is done. */
  async function isItsTurn(turn: Promise<unknown>): Promise<boolean> {
    const later = new Promise<false>((resolve) => setImmediate(resolve, false))
    return await Promise.race([turn.then(() => true), later])
  }

  it('let one start at once when nobody like it is starting', async () => {
    const turns = new RestartTurns()
    await turns.take('payments-relay')
    assert.ok(await isItsTurn(turns.take(name)))
  })

  it('let replicas start one after the other', async () => {
    const turns = new RestartTurns()
    const end = await turns.take(name)
    const [second, third] = [turns.take(`${name}.2`), turns.take(`${name}.3`)]
    assert.ok(!(await isItsTurn(second)))
    end()
    assert.ok(await isItsTurn(second))
    assert.ok(!(await isItsTurn(third)))
    const endOfSecond = await second
    endOfSecond()
    assert.ok(await isItsTurn(third))
  })

  it('let it wait for a second at most, and not when everything is stopped', async () => {
    const turns = new RestartTurns()
    await turns.take(name)
    const startedAt = performance.now()
    await turns.take(`${name}.2`, AbortSignal.abort())
    assert.ok(performance.now() - startedAt < 500)
    await turns.take(`${name}.3`)
    assert.ok(performance.now() - startedAt >= 900)
  })
})
