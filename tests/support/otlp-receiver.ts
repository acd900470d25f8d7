import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import protobuf from 'protobufjs'

/** A span as it was received. Ids are hexadecimal, times in ms since 1970. */
export interface ReceivedSpan {
  service: string
  /** Differs from process to process. */
  instance: string
  name: string
  kind: string
  traceId: string
  spanId: string
  parentSpanId: string
  startMs: number
  endMs: number
  attributes: Record<string, unknown>
  links: { traceId: string; spanId: string }[]
  isError: boolean
}

/**
 * What we read of OTLP (opentelemetry-proto 1.x, `trace/v1/trace.proto`): the numbers are those of
 * the protocol.
 */
const { root } = protobuf.parse(`
  syntax = "proto3";
  message Request { repeated ResourceSpans resource_spans = 1; }
  message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
  message Resource { repeated KeyValue attributes = 1; }
  message ScopeSpans { repeated Span spans = 2; }
  message Span {
    bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4;
    string name = 5; Kind kind = 6;
    fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8;
    repeated KeyValue attributes = 9; repeated Link links = 13; Status status = 15;
  }
  enum Kind { UNSPECIFIED = 0; INTERNAL = 1; SERVER = 2; CLIENT = 3; PRODUCER = 4; CONSUMER = 5; }
  message Link { bytes trace_id = 1; bytes span_id = 2; }
  message Status { int32 code = 3; }
  message KeyValue { string key = 1; AnyValue value = 2; }
  message AnyValue {
    oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; }
  }
`)
const Request = root.lookupType('Request')

/** How the receiver answers: `silent` takes a request and never answers. */
type Mood = 'well' | 'silent'

/** A collector of spans on a free port, or on the one given. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = []
  /** Of the requests, in their order. */
  readonly contentTypes: (string | undefined)[] = []
  mood: Mood = 'well'
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async open(): Promise<OtlpReceiver> {
    const server = createServer()
    const receiver = new OtlpReceiver(server)
    server.on('request', async (request, response) => {
      receiver.contentTypes.push(request.headers['content-type'])
      if (receiver.mood === 'silent') return
      if (request.url === '/v1/traces') receiver.spans.push(...decode(await buffer(request)))
      response.writeHead(request.url === '/v1/traces' ? 200 : 404).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return receiver
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

function decode(body: Uint8Array): ReceivedSpan[] {
  const { resourceSpans } = Request.toObject(Request.decode(body), {
    longs: Number,
    enums: String,
    arrays: true,
    bytes: Uint8Array,
    defaults: true,
  }) as { resourceSpans: RawResourceSpans[] }
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const of = attributesOf(resource.attributes)
    const process = {
      service: String(of['service.name']),
      instance: `${of['service.instance.id']}`,
    }
    return scopeSpans.flatMap(({ spans }) => spans.map((raw) => ({ ...process, ...spanOf(raw) })))
  })
}

interface RawResourceSpans {
  resource: { attributes: RawAttribute[] }
  scopeSpans: { spans: RawSpan[] }[]
}

interface RawLink {
  traceId: Uint8Array
  spanId: Uint8Array
}

interface RawSpan extends RawLink {
  parentSpanId: Uint8Array
  name: string
  kind: string
  startTimeUnixNano: number
  endTimeUnixNano: number
  attributes: RawAttribute[]
  links: RawLink[]
  status: { code: number } | null
}

interface RawAttribute {
  key: string
  value: Record<string, unknown>
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

const spanOf = (raw: RawSpan): Omit<ReceivedSpan, 'service' | 'instance'> => ({
  name: raw.name,
  kind: raw.kind,
  traceId: hex(raw.traceId),
  spanId: hex(raw.spanId),
  parentSpanId: hex(raw.parentSpanId),
  startMs: raw.startTimeUnixNano / 1e6,
  endMs: raw.endTimeUnixNano / 1e6,
  attributes: attributesOf(raw.attributes),
  links: raw.links.map(({ traceId, spanId }) => ({ traceId: hex(traceId), spanId: hex(spanId) })),
  isError: raw.status?.code === 2,
})

const attributesOf = (attributes: RawAttribute[]): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
