import assert from 'node:assert/strict'
import { eventually } from '#testing/eventually.ts'
import { recordingLogger } from '#testing/logger.ts'
import { EnvironmentError } from './errors.ts'
import { Outage, reasonOf } from './outage.ts'

const what = 'the shop is shut'
const refused = Object.assign(new Error('no entry'), { code: '28P01' })

describe('Outage', () => {
  const outage = (everyMs?: number) => {
    const { logger, said, lines } = recordingLogger()
    const options = { logger, what, ...(everyMs !== undefined && { everyMs }) }
    return { outage: new Outage(options), said, lines: lines as { reason?: string }[] }
  }

  it('is said when it begins, once, with its reason, and when it is over', () => {
    const { outage: shut, said, lines } = outage()
    for (let time = 0; time < 100; time++) shut.failed(refused)
    assert.deepEqual(said, ['the shop is shut, will retry'])
    assert.equal(lines[0]?.reason, '28P01 no entry')
    shut.over()
    shut.over()
    assert.deepEqual(said.slice(1), ['over after 0 s: the shop is shut'])
  })

  it('is said again each period, with how long it has lasted and the latest reason', async () => {
    const { outage: shut, said, lines } = outage(20)
    shut.failed(new Error('at first'))
    await eventually(() => {
      shut.failed(refused)
      return said.length === 3
    })
    assert.match(said[2] ?? '', /^the shop is shut, for \d+ s so far$/)
    assert.equal(lines[2]?.reason, '28P01 no entry')
  })

  it('lasts until no activity is blocked any more', () => {
    const { outage: shut, said } = outage()
    shut.failed(refused, 'one')
    shut.failed(refused, 'two')
    shut.over('one')
    assert.equal(shut.isOver, false)
    assert.throws(() => shut.assertOver(), /the shop is shut: 28P01 no entry/)
    shut.over('two')
    shut.assertOver()
    assert.equal(said.length, 2)
  })

  it('names the innermost cause, and no password', () => {
    assert.equal(
      reasonOf(new EnvironmentError('unavailable', 'away', { cause: refused })),
      '28P01 no entry',
    )
    const leaky = new Error('connecting to amqp://user:secret:more@host:5672/x failed')
    assert.equal(reasonOf(leaky), 'connecting to amqp://***@host:5672/x failed')
    assert.equal(reasonOf('text'), 'text')
  })
})
