import type { Options } from 'amqplib'

export interface OutgoingMessage {
  /** Becomes the message_id, unless events share a message; unique in one call of publishAll. */
  id: string
  type?: string | undefined
  /** The empty name is the default exchange: the routing key is then the name of a queue. */
  exchange: string
  routingKey: string
  contentType?: string | undefined
  content: Buffer
  headers?: Record<string, unknown>
  /** Properties of a republished message; they replace the defaults. */
  properties?: Options.Publish
  /** An event that may share a message with others of its route (shared-message.ts). */
  mayShare?: boolean
}
