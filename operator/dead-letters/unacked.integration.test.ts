import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { brokerReport } from '../broker-report.ts'
import { reconcile } from '../reconcile/reconcile.ts'
import { withQueueBrowser } from './broker/queue-browser.ts'
import { listDeadLetters } from './dead-letters.ts'

const { queue } = queues.paymentsConsumer
const dlq = `${queue}.dlq`

describe('dead letters that another operator holds', function () {
  this.timeout(60_000)
  const broker = useBroker()
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const databases = () => ({ orders: orders.db, payments: payments.db })
  const findings = async (lockWaitMs?: number) => {
    const report = brokerReport(broker.url, lockWaitMs)
    const found = await reconcile({ databases: databases(), broker: report, olderThanMs: 60_000 })
    return found.map(({ kind, message }) => [kind, message.split(/[:;]/)[0]])
  }

  /** Does `work` while another operator holds so many dead letters. */
  const whileUnacked = <T>(count: number, work: () => Promise<T>): Promise<T> =>
    withQueueBrowser(broker.url, async (browser) => {
      const { promise, resolve } = Promise.withResolvers<T>()
      let next = count
      const nextCount = () => next
      await browser.browse(dlq, nextCount, async (messages) => {
        next = 0
        resolve(await work())
        return messages.map(() => 'requeue')
      })
      return promise
    })

  /**
   * Begins `work`, and requeues the messages when `work` has connected to the broker, or is done.
   */
  const begunWhileUnacked = async <T>(count: number, work: () => Promise<T>): Promise<T> => {
    const [begun] = await whileUnacked(count, async () => {
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
  beforeEach('three dead letters', async () => {
    for (let n = 0; n < 3; n++) {
      broker.channel().sendToQueue(dlq, Buffer.from('{}'), { messageId: randomUUIDv7() })
    }
    await broker.channel().waitForConfirms()
  })
  afterEach(() => broker.drain(dlq))

  it('are counted by reconcile, which waits for the other operator', async () => {
    const found = await begunWhileUnacked(3, () => findings())
    assert.deepEqual(found, [['dead-letters', `3 in ${dlq}`]])
  })

  it('are listed, and counted, when they are requeued', async () => {
    const all = { queues: [queue], limit: Infinity }
    const { letters, total } = await begunWhileUnacked(3, () =>
      withQueueBrowser(broker.url, (browser) => listDeadLetters(browser, all)),
    )
    assert.deepEqual([letters.length, total], [3, 3])
  })

  it('are reported as uncounted by reconcile, not as none, when the other operator stays', async () => {
    const uncounted = ['dead-letters-uncounted', 'another operator was working on the dead letters']
    assert.deepEqual(await whileUnacked(3, () => findings(300)), [uncounted])
    assert.deepEqual(await whileUnacked(2, () => findings(300)), [
      ['dead-letters', `1 or more in ${dlq}`],
      uncounted,
    ])
    assert.deepEqual(await findings(300), [['dead-letters', `3 in ${dlq}`]])
  })
})
