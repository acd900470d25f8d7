import assert from 'node:assert/strict'
import { ROOT_CONTEXT, SpanKind } from '@opentelemetry/api'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { inBatchSpan } from './batch.ts'
import { logFields } from './contexts.ts'
import { samplerOf, samplingBatches } from './sampler.ts'

const traceId = (digit: string) => digit.repeat(32)
const context = (digit: string, flags: string) => ({
  traceparent: `00-${traceId(digit)}-00f067aa0ba902b7-${flags}`,
})
const options = { name: 'batch', kind: SpanKind.INTERNAL }

describe('inBatchSpan', () => {
  const exporter = new InMemorySpanExporter()
  /** Samples no trace that begins here. */
  const provider = new TracerProvider({
    sampler: samplingBatches(samplerOf({ sampler: 'parentbased_traceidratio', samplerRatio: 0 })),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  })
  const tracer = provider.getTracer('test')
  beforeEach(() => exporter.reset())
  const links = () =>
    exporter.getFinishedSpans().map((span) => span.links.map((link) => link.context.traceId))

  it('links to what is sampled, and is itself sampled for it, whatever the sampler says', async () => {
    const batch = [context('1', '00'), context('2', '01'), {}, { traceparent: 'x' }]
    assert.equal(await inBatchSpan(tracer, options, batch, async () => 5), 5)
    assert.deepEqual(links(), [[traceId('2')]])
  })

  it('has no span where nothing is sampled, and leaves the rest to the sampler', async () => {
    for (const batch of [[context('1', '00')], [], [{}]]) {
      assert.equal(await inBatchSpan(tracer, options, batch, async () => 5), 5)
    }
    assert.deepEqual(links(), [])
    tracer.startSpan('begins a trace', {}, ROOT_CONTEXT).end()
    assert.deepEqual(links(), [])
  })

  it('lets what is logged name the trace of the batch, and fails as the work does', async () => {
    const failing = inBatchSpan(tracer, options, [context('2', '01')], async (span) => {
      assert.equal(logFields().trace_id, span?.spanContext().traceId)
      throw new TypeError('no')
    })
    await assert.rejects(failing, TypeError)
    const [span] = exporter.getFinishedSpans()
    assert.equal(span?.attributes['error.type'], 'TypeError')
    assert.deepEqual(logFields(), {})
  })
})
