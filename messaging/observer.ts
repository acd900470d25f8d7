import type { Pooled, Queryable } from '#chassis/database/connect.ts'
import type { Published } from './broker/confirm-tracker.ts'
import type { OutgoingMessage } from './broker/outgoing-message.ts'
import type { Loop } from './loop.ts'

/**
 * What an engine does, for those who measure it. Each function is called once for each batch unless
 * it says otherwise, may be left out, and must neither throw nor take long.
 */
export interface Observer {
  /** The engine has opened its database. */
  database?: (db: Queryable & Pooled) => void
  /** The engine runs this loop from now on. */
  loop?: (loop: Loop) => void
  /** Messages were published together. */
  sent?: (batch: SentBatch) => void
  /** A turn of the relay has failed: nothing is marked, and the turn begins again. */
  turnFailed?: (error: unknown) => void
  /** A message was delivered. Called once for each delivery. */
  delivered?: (delivery: Source & { isRedelivered: boolean }) => void
  /** A batch was processed, or a try to process it has failed. */
  processed?: (batch: ProcessedBatch) => void
  /** A transaction of a batch has failed; handle-events.ts says what follows. */
  transactionFailed?: (error: unknown) => void
  /** An event has failed alone, and is tried again after a delay. */
  retried?: (error: unknown) => void
  /** A dead letter was written. */
  deadLettered?: (reason: string) => void
  /** A notification has arrived, so long after it was sent. */
  notified?: (lagMs: number) => void
}

/** Where a message was published to, at first. */
interface Source {
  exchange: string
  routingKey: string
}

/** Published together, with the outcome of each, and how long it took until all were known. */
export interface SentBatch {
  messages: readonly OutgoingMessage[]
  outcomes: Published
  ms: number
}

/** What was processed in one try, and how long that took. */
export interface ProcessedBatch {
  messages: readonly Source[]
  ms: number
  /** The kinds of the results of its messages; empty after a failure. */
  results: readonly { kind: string }[]
  /** Why nothing was processed. */
  error?: unknown
}
