/** Where a request or an event comes from, in the trace that it belongs to (W3C Trace Context). */
export interface TraceContext {
  traceId: string
  spanId: string
  /** Bit 0: the trace is sampled. Bit 1: its id is random. No other bit has a meaning yet. */
  flags: number
}

const format = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const allZero = /^0+$/
const knownFlags = 0b11

/**
 * Reads a `traceparent`, from a header or an event. Undefined for anything malformed: a trace never
 * decides what becomes of an order. Of a later version it reads the part that this version knows.
 */
export function parseTraceparent(value: unknown): TraceContext | undefined {
  const parts = typeof value === 'string' ? format.exec(value) : null
  if (!parts) return undefined
  const [, version = '', traceId = '', spanId = '', flags = '', more] = parts
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (allZero.test(traceId) || allZero.test(spanId)) return undefined
  return { traceId, spanId, flags: Number.parseInt(flags, 16) & knownFlags }
}

/** The `traceparent` of a context, in version 00. */
export const formatTraceparent = ({ traceId, spanId, flags }: TraceContext): string =>
  `00-${traceId}-${spanId}-${flags.toString(16).padStart(2, '0')}`
