import assert from 'node:assert/strict'
import { EnvironmentError } from '#chassis/errors.ts'
import { measureConsuming } from './consuming.ts'
import { destinationName } from './destination.ts'
import { measureResponses } from './http.ts'
import { Metrics } from './metrics.ts'
import { measureSending } from './sending.ts'
import { measureSettling } from './settling.ts'

/** The samples whose value is not 0, but for those of buckets. */
async function samplesOf(metrics: Metrics): Promise<Record<string, number>> {
  const { text } = await metrics.exposition()
  const lines = text.split('\n').filter((line) => line && !/^#|_bucket|_sum/.test(line))
  const samples = lines.map((line) => {
    const [name = '', value] = line.split(' ')
    return [name.replace(/messaging_(?:system|operation_\w+)="\w+",?/g, ''), Number(value)] as const
  })
  return Object.fromEntries(samples.filter(([, value]) => value !== 0))
}

describe('destinationName', () => {
  it('joins what is there, as the OpenTelemetry conventions for RabbitMQ say', () => {
    const name = (exchange: string, routingKey: string, queue?: string) =>
      destinationName({ exchange, routingKey }, queue)
    assert.equal(name('events', 'happened'), 'events:happened')
    assert.equal(name('events', 'happened', 'all'), 'events:happened:all')
    assert.equal(name('', 'all', 'all'), 'all')
    assert.equal(name('events', '', 'all'), 'events:all')
    assert.equal(name('', ''), 'amq.default')
  })
})

describe('the metrics of a process', () => {
  it('count published messages by destination and outcome, and batches once', async () => {
    const metrics = new Metrics()
    const to = (routingKey: string) => ({ exchange: 'e', routingKey })
    const { sent } = measureSending(metrics, [to('a'), to('b')])
    const message = (id: string, key: string) => ({ id, ...to(key), content: Buffer.of() })
    const failed = [{ id: '3', error: 'no queue', cause: 'returned' as const }]
    const messages = [message('1', 'a'), message('2', 'b'), message('3', 'b'), message('4', 'b')]
    sent({ messages, outcomes: { confirmed: ['1', '2'], failed, unknown: ['4'] }, ms: 20 })
    const sample = (name: string, error: string) =>
      `messaging_client_sent_messages_total{messaging_destination_name="e:${name}",error_type="${error}"}`
    assert.deepEqual(await samplesOf(metrics), {
      'messaging_client_operation_duration_seconds_count{error_type="returned"}': 1,
      [sample('a', '')]: 1,
      [sample('b', '')]: 1,
      [sample('b', 'returned')]: 1,
      [sample('b', 'unknown')]: 1,
      messaging_sent_batch_messages_count: 1,
    })
  })

  it('have a label for known values only, whatever a publisher sends', async () => {
    const metrics = new Metrics()
    const queue = { queue: 'q', exchange: 'e', routingKeys: ['k'] }
    const { delivered } = measureConsuming(metrics, { queue, deadLetterReasons: [] })
    for (let n = 0; n < 100; n++) {
      delivered?.({ exchange: `made-up-${n}`, routingKey: 'k', isRedelivered: n === 0 })
    }
    delivered?.({ exchange: 'e', routingKey: 'k', isRedelivered: false })
    delivered?.({ exchange: '', routingKey: 'q', isRedelivered: false })
    const sample = (name: string) =>
      `messaging_client_consumed_messages_total{messaging_destination_name="${name}"}`
    const expected = {
      [sample('e:k:q')]: 1,
      [sample('q')]: 1,
      [sample('_OTHER')]: 100,
      messaging_redelivered_messages_total: 1,
    }
    assert.deepEqual(await samplesOf(metrics), expected)
    assert.deepEqual(await samplesOf(metrics), expected) // a scrape counts nothing twice
  })

  it('have a class for each failure, and a result for each message', async () => {
    const metrics = new Metrics()
    const queue = { queue: 'q', exchange: 'e', routingKeys: ['k'] }
    const observer = measureConsuming(metrics, { queue, deadLetterReasons: ['odd'] })
    const error = new EnvironmentError('locked', 'a row is locked')
    const message = { exchange: 'e', routingKey: 'k' }
    const results = [{ kind: 'handled' }, { kind: 'duplicate' }, { kind: 'handled' }]
    observer.processed?.({ messages: [message, message, message], ms: 5, results })
    observer.processed?.({ messages: [message], ms: 5, results: [], error })
    observer.transactionFailed?.(error)
    observer.retried?.(new TypeError('no'))
    observer.deadLettered?.('odd')
    assert.deepEqual(await samplesOf(metrics), {
      'messaging_process_duration_seconds_count{error_type=""}': 1,
      'messaging_process_duration_seconds_count{error_type="locked"}': 1,
      messaging_processed_batch_messages_count: 2,
      'inbox_events_total{result="handled"}': 2,
      'inbox_events_total{result="duplicate"}': 1,
      'inbox_transaction_failures_total{error_type="locked"}': 1,
      'inbox_retries_total{error_type="fault"}': 1,
      'messaging_dead_letters_total{reason="odd"}': 1,
    })
  })

  it('have a made-up HTTP method and a path without a route under one name each', async () => {
    const metrics = new Metrics()
    const { responded } = measureResponses(metrics)
    responded({ method: 'BREW', route: undefined, status: 405, ms: 1 })
    responded({ method: 'GET', route: '/orders/:order_id', status: 200, ms: 1 })
    const count = 'http_server_request_duration_seconds_count'
    assert.deepEqual(await samplesOf(metrics), {
      [`${count}{http_request_method="_OTHER",http_route="",http_response_status_code="405"}`]: 1,
      [`${count}{http_request_method="GET",http_route="/orders/:order_id",http_response_status_code="200"}`]: 1,
    })
  })

  it('have the time of an order from 5 ms on', async () => {
    const metrics = new Metrics()
    const { onSettled, onRetried } = measureSettling(metrics)
    onSettled({ status: 'PAID', is_refund: false, seconds: 0.004 })
    onRetried(3)
    const { text } = await metrics.exposition()
    assert.match(text, /_bucket\{le="0\.005",request="payment",status="PAID"\} 1/)
    assert.match(text, /_count\{request="refund",status="REFUNDED"\} 0/)
    assert.match(text, /^payment_requests_retried_total 3$/m)
  })
})
