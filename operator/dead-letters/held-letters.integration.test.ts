import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { mailAt } from '../broker-report.ts'
import { reconcile } from '../reconcile/reconcile.ts'
import { atDesk } from './broker/queue-browser.ts'
import { listLetters } from './dead-letters.ts'

const { queue } = queues.paymentsConsumer
const dlq = `${queue}.dlq`

describe('dead letters that another operator holds', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const books = () => ({ orders: orders.db, payments: payments.db })
  const findings = async (lockWaitMs?: number) => {
    const mail = mailAt(broker.url, lockWaitMs)
    const found = await reconcile({ books: books(), mail, olderThanMs: 60_000 })
    return found.map(({ kind, message }) => [kind, message.split(/[:;]/)[0]])
  }

  /** Does `work` while somebody has so many of the letters in hand. */
  const whileHeld = <T>(count: number, work: () => Promise<T>): Promise<T> =>
    atDesk(broker.url, async (desk) => {
      const { promise, resolve } = Promise.withResolvers<T>()
      let takes = count
      const takeNext = () => takes
      await desk.sort(dlq, takeNext, async (letters) => {
        takes = 0
        resolve(await work())
        return letters.map(() => 'keep')
      })
      return promise
    })

  /** Begins `work`, and lets go of the letters when it has come to the broker, or is done. */
  const begunWhileHeld = async <T>(count: number, work: () => Promise<T>): Promise<T> => {
    const [begun] = await whileHeld(count, async () => {
      const working = work()
      const isThere = async () => (await broker.connections()).length === 2
      await Promise.race([working, eventually(isThere, { timeoutMs: 30_000 })])
      return [working]
    })
    return begun as Promise<T>
  }

  before(async () => {
    const topology = { queues: Object.values(queues) }
    await declareTopology({ name: 'test', url: broker.url, topology })
  })
  beforeEach('three letters', async () => {
    for (let n = 0; n < 3; n++) {
      broker.channel().sendToQueue(dlq, Buffer.from('{}'), { messageId: randomUUIDv7() })
    }
    await broker.channel().waitForConfirms()
  })
  afterEach(() => broker.drain(dlq))

  it('are counted by reconcile, which waits for them', async () => {
    const found = await begunWhileHeld(3, () => findings())
    assert.deepEqual(found, [['dead-letters', `3 in ${dlq}`]])
  })

  it('are listed, and counted, when they are back', async () => {
    const all = { queues: [queue], limit: Infinity }
    const { letters, total } = await begunWhileHeld(3, () =>
      atDesk(broker.url, (desk) => listLetters(desk, all)),
    )
    assert.deepEqual([letters.length, total], [3, 3])
  })

  it('do not make reconcile say that there are none when it has waited in vain', async () => {
    const uncounted = ['dead-letters-uncounted', 'another operator was at the dead letters']
    assert.deepEqual(await whileHeld(3, () => findings(300)), [uncounted])
    assert.deepEqual(await whileHeld(2, () => findings(300)), [
      ['dead-letters', `1 or more in ${dlq}`],
      uncounted,
    ])
    assert.deepEqual(await findings(300), [['dead-letters', `3 in ${dlq}`]])
  })
})
