import type { Published } from './broker/confirm-tracker.ts'
import type { OutgoingMessage } from './broker/outgoing-message.ts'

/** Events that are published together, and the broker. */
export interface SentEvents {
  messages: readonly OutgoingMessage[]
  broker?: BrokerAddress | undefined
}

/** Events that are handled together, and where they came from. */
export interface DeliveredEvents<Event> {
  events: readonly { event: Event; delivery: { exchange: string; routingKey: string } }[]
  queue: string
  broker?: BrokerAddress | undefined
}

interface BrokerAddress {
  host: string
  port: number
}

interface TracedEvent {
  id: string
  type: string
  /** As it came. */
  traceparent?: unknown
}

/** What became of an event: the kind of its result, and why it failed. */
export interface EventOutcome {
  kind: string
  reason?: string
  error?: unknown
}

/** By the ids of the events; undefined when the consumer was told to stop. */
export type EventOutcomes = ReadonlyMap<string, EventOutcome> | undefined

/**
 * For those who trace the way of events. The engine itself knows no traces: an event brings its
 * context in its field `traceparent`. Each function runs the work that it is given, once, and
 * returns its result.
 */
export interface EventTracing {
  send: (sent: SentEvents, work: () => Promise<Published>) => Promise<Published>
  /** `work` gets the events with the `traceparent` that whatever they cause has to carry on. */
  process: <Event extends TracedEvent, Outcomes extends EventOutcomes>(
    delivered: DeliveredEvents<Event>,
    work: (events: Event[]) => Promise<Outcomes>,
  ) => Promise<Outcomes>
  /** For work that concerns one event, such as what is logged about it. */
  within: <Result>(traceparent: unknown, work: () => Result) => Result
}

/** Nothing is traced. */
export const noEventTracing: EventTracing = {
  send: (_sent, work) => work(),
  process: ({ events }, work) => work(events.map(({ event }) => event)),
  within: (_traceparent, work) => work(),
}
