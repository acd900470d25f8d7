import { allEventTypes, type EventType, eventTypes, schemaNameOf } from '#contracts/event-types.ts'
import { routes } from '#contracts/topology.ts'
import { sharedContentType } from '#messaging/broker/shared-message.ts'
import { signatureHeader } from '#messaging/signatures/header.ts'
import { eventExamples } from './async-examples.ts'
import { type JsonObject, messageRef, refTo } from './schemas.ts'

const entries = allEventTypes.map((type) => {
  const { from, to, summary } = eventTypes[type]
  return [type, { summary, sender: `${from}-relay`, taker: `${to}-consumer` }] as const
})

/** `paymentRequested`. */
const channelOf = (type: EventType) => `${type[0]?.toLowerCase()}${type.slice(1)}`

export const eventChannels = (): Record<string, JsonObject> =>
  Object.fromEntries(
    entries.map(([type, { summary }]) => {
      const { exchange, routingKey } = routes[type]
      const channel: JsonObject = {
        address: routingKey,
        title: type,
        summary,
        servers: [{ $ref: '#/servers/broker' }],
        messages: Object.fromEntries([type, shared].map((name) => [name, messageRef(name)])),
        bindings: {
          amqp: {
            is: 'routingKey',
            exchange: {
              name: exchange,
              type: 'topic',
              durable: true,
              autoDelete: false,
              vhost: '/',
            },
          },
        },
      }
      return [channelOf(type), channel]
    }),
  )

export const eventOperations = (): Record<string, JsonObject> =>
  Object.fromEntries(
    entries.flatMap(([type, { summary, sender, taker }]) => {
      const channel = { $ref: `#/channels/${channelOf(type)}` }
      const messages = [type, shared].map((name) => ({ $ref: `${channel.$ref}/messages/${name}` }))
      const send = { action: 'send', channel, messages, summary, title: `${sender} publishes it` }
      const receive = {
        action: 'receive',
        channel,
        messages,
        title: `${taker} takes it from its queue`,
        summary: `What it cannot handle goes to ${taker}.dlq, with the reason in the headers`,
      }
      return [
        [`send${type}`, { ...send, bindings: { amqp: { deliveryMode: 2, mandatory: true } } }],
        [`receive${type}`, receive],
      ]
    }),
  )

export const eventMessages = (): Record<string, JsonObject> =>
  Object.fromEntries(
    entries.map(([type, { summary }]) => [
      type,
      {
        name: type,
        title: type,
        summary,
        description: `\`dataschema\` ends in \`/${schemaNameOf(type)}\`. The AMQP property \`message_id\` is the event's \`id\`, \`type\` its type.`,
        contentType: 'application/cloudevents+json',
        headers: relayHeaders,
        payload: refTo(type),
        bindings: { amqp: { messageType: type } },
        examples: [{ name: type, summary, payload: eventExamples[type] }],
      },
    ]),
  )

const relayHeaders: JsonObject = {
  type: 'object',
  properties: {
    'relayed-at': {
      type: 'string',
      format: 'date-time',
      description: 'when the relay published it, to the millisecond',
    },
    [signatureHeader]: {
      type: 'string',
      description:
        'with EVENT_SIGNATURES: the id of a key, a colon, and in base64url the HMAC-SHA256 of `["application/cloudevents+json","EXCHANGE"]`, a line feed, and the bytes of the event; where events share a message, one for each line, with spaces between',
    },
  },
}

/** The name of the message that several events share. */
export const shared = 'SharedMessage'

export const sharedMessage: JsonObject = {
  name: shared,
  title: 'Several events in one message',
  summary: 'In a backlog, events of one route may share a message, one event a line',
  description: `Unless the relay's variable \`RELAY_EVENTS_PER_MESSAGE\` is 1 (10 by default): where so many events of one route are due at once, so many share a message. Each line is an event as it would be alone, in UTF-8, ended by a line feed. The message has an id of its own and no \`type\`. Inbox, attempts and dead letters are per event. A format of this project: CloudEvents has no batches over AMQP. Consumers take both, always.`,
  contentType: sharedContentType,
  headers: relayHeaders,
  payload: { type: 'string', description: 'events, each on a line of its own' },
  examples: [
    {
      name: shared,
      summary: 'Two events',
      payload: `${[1, 2].map(() => JSON.stringify(eventExamples.PaymentRequested)).join('\n')}\n`,
    },
  ],
}
