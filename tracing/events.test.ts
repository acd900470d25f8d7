import assert from 'node:assert/strict'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { tracedProcessing } from './processing.ts'
import { tracedSending } from './sending.ts'

const traceId = (digit: string) => digit.repeat(32)
const traceparent = (digit: string) => `00-${traceId(digit)}-00f067aa0ba902b7-01`

const exporter = new InMemorySpanExporter()
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] })
const tracer = provider.getTracer('test')
const spans = () => exporter.getFinishedSpans()
const named = (name: string) => spans().filter((span) => span.name === name)

describe('tracedSending', () => {
  beforeEach(() => exporter.reset())
  const message = (id: string, routingKey: string, event: object | string = {}) => ({
    ...{ id, exchange: 'shop', routingKey },
    content: Buffer.from(typeof event === 'string' ? event : JSON.stringify(event)),
  })

  it('has a span for each route of a batch, with the links and the outcome of its own events', async () => {
    const messages = [
      message('a', 'sold', { traceparent: traceparent('1') }),
      message('b', 'sold', 'no JSON'),
      message('c', 'sent', { traceparent: traceparent('2') }),
      message('d', 'lost', { traceparent: traceparent('3') }),
    ]
    const published = {
      confirmed: ['a', 'b'],
      failed: [{ id: 'c', error: 'no queue', cause: 'returned' as const }],
      unknown: ['d'],
    }
    assert.equal(await tracedSending(tracer)({ messages }, async () => published), published)
    assert.deepEqual(
      spans().map(({ name, links, attributes }) => [
        name,
        links.map(({ context }) => context.traceId[0]),
        attributes['error.type'],
      ]),
      [
        ['publish shop:sold', ['1'], undefined],
        ['publish shop:sent', ['2'], 'failed'],
        ['publish shop:lost', ['3'], 'unknown'],
      ],
    )
  })
})

describe('tracedProcessing', () => {
  beforeEach(() => exporter.reset())
  const delivery = (routingKey: string) => ({ exchange: 'shop', routingKey })
  const sold = (id: string, own?: unknown) => ({ id, type: 'Sold', traceparent: own })
  const of = (...events: ReturnType<typeof sold>[]) => ({
    events: events.map((event, n) => ({ event, delivery: delivery(n === 0 ? 'sold' : 'sent') })),
    queue: 'warehouse',
  })

  it('gives each event the context of its own span, in the trace of the event', async () => {
    const given = of(sold('a', traceparent('1')), sold('b', 'malformed'))
    const results = new Map(['a', 'b'].map((id) => [id, { kind: 'handled' }]))
    let own: { id: string; traceparent?: unknown }[] = []
    const traced = await tracedProcessing(tracer)(given, async (events) => {
      own = events
      return results
    })
    assert.equal(traced, results)
    const handled = named('handle Sold')
    assert.deepEqual(
      own.map((event) => event.traceparent),
      handled.map((span) => `00-${span.spanContext().traceId}-${span.spanContext().spanId}-01`),
    )
    const [first, second] = handled
    assert.deepEqual(
      [first?.spanContext().traceId, first?.parentSpanContext?.spanId],
      [traceId('1'), '00f067aa0ba902b7'],
    )
    assert.equal(second?.parentSpanContext, undefined, 'it begins a trace')
    const [batch] = named('process shop:warehouse')
    assert.deepEqual(
      batch?.links.map(({ context }) => context.traceId),
      [traceId('1')],
    )
  })

  it('says of each event what became of it', async () => {
    const ids = ['handled', 'retry', 'strange', 'given up', 'stopped']
    const outcomes = new Map<string, { kind: string; reason?: string; error?: unknown }>([
      ['handled', { kind: 'handled' }],
      ['retry', { kind: 'retry', error: new RangeError('no') }],
      ['strange', { kind: 'retry', error: undefined }],
      ['given up', { kind: 'dead-letter', reason: 'contradiction' }],
    ])
    await tracedProcessing(tracer)(of(...ids.map((id) => sold(id))), async () => outcomes)
    const said = named('handle Sold').map(({ attributes }) => [
      attributes['orders_payments.event.result'],
      attributes['error.type'],
    ])
    assert.deepEqual(said, [
      ['handled', undefined],
      ['retry', 'RangeError'],
      ['retry', '_OTHER'],
      ['dead-letter', 'contradiction'],
      ['none', undefined],
    ])
  })

  it('ends its spans when the work fails, and fails as the work does', async () => {
    const failing = tracedProcessing(tracer)(of(sold('a')), async () => {
      throw new TypeError('no')
    })
    await assert.rejects(failing, TypeError)
    assert.deepEqual(
      spans().map(({ name }) => name),
      ['handle Sold', 'process shop:sold:warehouse'],
    )
  })
})
