import type { Middleware } from 'koa'
import type { EventTracing } from '#messaging/index.ts'

/** What belongs to a trace: a request or an event, with its context as it came. */
export interface Traced {
  traceparent?: unknown
}

/** An activity that is over; the times are those of `performance.now()`. */
export interface Activity extends Traced {
  name: string
  startMs: number
  endMs: number
  attributes: Record<string, string | number>
}

/**
 * What a process tells of its work while tracing is on. Decides nothing of the work, and never
 * fails it.
 */
export interface Tracing extends EventTracing {
  /**
   * A span for each request. From here on, the request has the context of that span as its
   * `traceparent`.
   */
  middleware: Middleware
  /** Runs work that is done for many requests at once, in a span with a link to each. */
  linked: <Result>(
    name: string,
    requests: readonly Traced[],
    work: () => Promise<Result>,
  ) => Promise<Result>
  /** A span in the trace of the activity. */
  record: (activity: Activity) => void
  /** Sends the spans that were not sent yet; gives up after two seconds. */
  close: () => Promise<void>
}
