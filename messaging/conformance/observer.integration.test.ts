import assert from 'node:assert/strict'
import { classify } from '#chassis/errors.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { useInbox } from '#testing/inbox.ts'
import { useOutbox } from '#testing/outbox.ts'
import { proxyTo } from '#testing/proxy.ts'
import { deadLetter, handle, handleUnless, idsOf, newEvent } from '#testing/things.ts'
import type { Observer } from '../index.ts'

type Sent = Parameters<NonNullable<Observer['sent']>>[0]
type Processed = Parameters<NonNullable<Observer['processed']>>[0]

describe('the observer of a relay', () => {
  const { database, use, relay, append, allPublished } = useOutbox()

  it('gets each batch with the outcome of each of its messages', async () => {
    const sent: Sent[] = []
    const ids = await append(5)
    const [lost] = await append(1, 'Unheard')
    relay({ observer: { sent: (batch) => sent.push(batch) } })
    await eventually(() => sent.length > 0)
    const [first] = sent
    assert.equal(first?.messages.length, 6)
    assert.deepEqual(first?.outcomes.confirmed.toSorted(), ids)
    assert.deepEqual(
      first?.outcomes.failed.map(({ id, cause }) => [id, cause]),
      [[lost, 'returned']],
    )
    assert.ok(first.ms > 0 && first.ms < 10_000)
  })

  it('is told of turns that fail, and of how late notifications are', async () => {
    const failures: unknown[] = []
    const lags: number[] = []
    const proxy = use(await proxyTo(database.url))
    const observer = {
      turnFailed: (error: unknown) => failures.push(classify(error)),
      notified: (lagMs: number) => lags.push(lagMs),
    }
    relay({ databaseUrl: proxy.url, observer })
    await eventually(() => lags.length > 0)
    assert.ok(lags.every((ms) => ms >= 0 && ms < 1_500))
    proxy.cut()
    await append(1)
    await allPublished()
    proxy.close()
    await eventually(() => failures.includes('unavailable'))
  })

  it('gets its database, with the use of its connections', async () => {
    const opened: Parameters<NonNullable<Observer['database']>>[0][] = []
    const { isConnected } = relay({ observer: { database: (db) => opened.push(db) } })
    await eventually(isConnected)
    assert.ok((opened[0]?.poolUse().max ?? 0) > 1)
  })
})

describe('the observer of a consumer', () => {
  const { database, use, consume, send, sendMany, redeliver, hasHandled } = useInbox()

  it('gets each delivery, and each batch with the result of each of its messages', async () => {
    const delivered: { isRedelivered: boolean }[] = []
    const processed: Processed[] = []
    const committed: string[] = []
    const event = newEvent()
    await send(event)
    await redeliver(1)
    await send(event)
    const others = await sendMany(3)
    await consume({
      observer: {
        delivered: (delivery) => delivered.push(delivery),
        processed: (batch) => processed.push(batch),
      },
      handle: async (trx, events) => {
        const results = await handleUnless(() => deadLetter('odd', 'odd'))(trx, events)
        return results.map((result, index) =>
          result.kind === 'handled'
            ? { ...result, onCommit: () => committed.push(events[index]?.id ?? '') }
            : result,
        )
      },
    })
    await hasHandled([event, ...others])
    const kinds = () => processed.flatMap(({ results }) => results.map(({ kind }) => kind)).sort()
    const expected = ['duplicate', ...Array(4).fill('handled')]
    await eventuallyPasses(async () => assert.deepEqual(kinds(), expected))
    assert.equal(delivered.length, 5)
    assert.equal(delivered.filter(({ isRedelivered }) => isRedelivered).length, 1)
    assert.equal(processed.flatMap(({ messages }) => messages).length, 5)
    assert.deepEqual(committed.sort(), [event, ...others].map(({ id }) => id).sort())
  })

  it('is told of retries by their error, and of dead letters by their reason', async () => {
    const retried: unknown[] = []
    const reasons: string[] = []
    const failed: unknown[] = []
    const observer: Observer = {
      retried: (error) => retried.push(classify(error)),
      deadLettered: (reason) => reasons.push(reason),
      transactionFailed: (error) => failed.push(classify(error)),
    }
    await consume({
      ...{ observer, maxAttempts: 2 },
      handle: handleUnless(({ note }) => {
        if (note === 'odd') return deadLetter('odd', 'odd')
        throw new Error('always')
      }),
    })
    await send(newEvent('odd'))
    await send(newEvent('failing'))
    await eventually(() => reasons.length === 2)
    assert.deepEqual(reasons.sort(), ['attempts-exhausted', 'odd'])
    assert.deepEqual(retried, ['fault'])
    assert.ok(failed.length >= 2 && failed.every((failure) => failure === 'fault'))
  })

  it('calls nothing of a transaction that was rolled back', async () => {
    const committed: string[] = []
    let batches = 0
    const events = await sendMany(2)
    await consume({
      handle: async (trx, some) => {
        batches++
        await handle(trx, some)
        const results = some.map(({ id }) => ({
          kind: 'handled' as const,
          onCommit: () => committed.push(id),
        }))
        return batches === 1 ? results.slice(1) : results // an event without a result is a fault
      },
    })
    await hasHandled(events)
    await eventually(() => committed.length === 2)
    assert.deepEqual(committed.sort(), idsOf(events))
    assert.ok(batches > 1)
  })

  it('is told of batches that could not be processed, once for each try', async () => {
    const processed: Processed[] = []
    const proxy = use(await proxyTo(database.url))
    await consume({
      databaseUrl: proxy.url,
      observer: { processed: (batch) => processed.push(batch) },
    })
    proxy.close()
    const events = await sendMany(1)
    await eventually(() => processed.length > 1)
    assert.ok(
      processed.every(
        ({ error, results }) => classify(error) === 'unavailable' && results.length === 0,
      ),
    )
    use(await proxyTo(database.url, Number(new URL(proxy.url).port)))
    await hasHandled(events)
    await eventually(() => processed.at(-1)?.error === undefined)
  })
})
