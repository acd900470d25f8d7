import type { Message } from 'amqplib'
import { sharedContentType } from '#messaging/broker/shared-message.ts'

/** The ids of the events in a message; of a message with one event its message_id. */
export const eventIdsOf = ({ properties, content }: Message): string[] =>
  properties.contentType === sharedContentType
    ? linesOf(content).map((line) => JSON.parse(line).id)
    : [String(properties.messageId)]

const linesOf = (content: Buffer): string[] => content.toString().trimEnd().split('\n')
