import assert from 'node:assert/strict'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { queue, useInbox } from '#testing/inbox.ts'
import { recordingLogger } from '#testing/logger.ts'
import { proxyTo } from '#testing/proxy.ts'
import { type Handle, handle } from '#testing/things.ts'

describe('a consumer', () => {
  const { broker, use, start, consume, sendMany, ...those } = useInbox()
  const { effectIds, hasHandled, isQueueEmpty, deadLetters } = those

  it('connects again when its connection was closed, and nothing is lost or done twice', async () => {
    const consumer = await consume({ batchSize: 10 })
    const before = await sendMany(30)
    await broker.closeConnections()
    const after = await sendMany(30)
    await hasHandled([...before, ...after])
    await eventually(async () => (await consumer.isConsuming()) && isQueueEmpty())
    assert.equal(await deadLetters(), 0)
  })

  it('connects again within 15 s when nothing passes any more, both ways or one', async () => {
    const ways = [['up', 'down'], ['up'], ['down']] as const
    const proxies = await Promise.all(ways.map(async () => use(await proxyTo(broker.url))))
    const consumers = await Promise.all(proxies.map(({ url }) => consume({ brokerUrl: url })))
    for (const [index, way] of ways.entries()) proxies[index]?.freeze(way)
    const events = await sendMany(50)
    const lost = consumers.map(({ isConsuming }) =>
      eventually(async () => !(await isConsuming()), { timeoutMs: 15_000 }),
    )
    await Promise.all(lost)
    for (const { isConsuming } of consumers) await eventually(isConsuming)
    await hasHandled(events)
  })

  it('says in one line that a queue exists with other arguments, and goes on when that is repaired', async () => {
    const { logger, lines } = recordingLogger()
    await broker.channel().deleteQueue(queue)
    await broker.channel().assertQueue(queue, { arguments: { 'x-queue-type': 'quorum' } })
    const { isConsuming } = start({ logger })
    const line = await eventually(() =>
      lines.find(({ err }) => err?.message.includes('PRECONDITION_FAILED')),
    )
    const said =
      /^The queue things exists with x-[a-z-]+ .+, where .+ is needed: .+queue move things.+docs\/operator\.md/
    assert.match(line.err?.message ?? '', said)
    assert.ok(!(await isConsuming()))
    await broker.channel().deleteQueue(queue)
    await eventually(isConsuming, { timeoutMs: 30_000 })
    await hasHandled(await sendMany(1))
  })

  it('consumes again when the queue was deleted, which is then declared again', async () => {
    const { isConsuming } = await consume()
    await broker.channel().deleteQueue(queue)
    await eventually(async () => !(await isConsuming()))
    await eventually(isConsuming)
    await hasHandled(await sendMany(3))
  })

  it('told to stop, finishes the batch in work and gives back the rest, promptly', async () => {
    const opened = Promise.withResolvers<void>()
    const begun: number[] = []
    const gated: Handle = async (trx, events) => {
      begun.push(events.length)
      await opened.promise
      return handle(trx, events)
    }
    await sendMany(300)
    const consumer = await consume({ handle: gated, batchSize: 10 })
    await eventually(() => begun.length === 2)
    const startedAt = performance.now()
    const closed = consumer.close()
    opened.resolve()
    await closed
    const tookMs = performance.now() - startedAt
    const [first = 0, second = 0, ...more] = begun
    assert.deepEqual(more, [])
    assert.equal((await effectIds()).length, first + second)
    const rest = 300 - first - second
    await eventuallyPasses(async () => assert.equal(await broker.depth(queue), rest))
    assert.ok(tookMs < 2_000, `took ${tookMs} ms`)
  })
})
