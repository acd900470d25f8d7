import { allEventTypes, type EventType, eventTypes, schemaNameOf } from '#contracts/event-types.ts'
import { eventSchemas } from '#contracts/events.ts'
import { Order } from '#contracts/orders-http.ts'
import {
  ErrorMessage,
  OrderMessage,
  Subscribe,
  statusSocketPath,
  Unsubscribe,
} from '#contracts/orders-ws.ts'
import { ProblemDocument } from '#contracts/problem.ts'
import { routes } from '#contracts/topology.ts'
import { sharedContentType } from '#messaging/broker/shared-message.ts'
import { signatureHeader } from '#messaging/signatures/header.ts'
import { eventExamples, socketExamples } from './async-examples.ts'
import { bearer } from './bearer.ts'
import { type JsonObject, refTo, Schemas } from './schemas.ts'

const schemas = new Schemas({
  ...eventSchemas,
  Order,
  Problem: ProblemDocument,
  Subscribe,
  Unsubscribe,
  OrderMessage,
  ErrorMessage,
})

const socketMessages: Record<string, string> = {
  Subscribe: 'Follow an order, or every order of a user',
  Unsubscribe: 'Follow it no more',
  OrderMessage: 'An order as it is now',
  ErrorMessage: 'A message that cannot be followed; the connection stays',
}

/** The AsyncAPI 3.0 document of the events and of the WebSocket. */
export const asyncApi = () => ({
  asyncapi: '3.0.0',
  info: {
    title: 'Orders + Payments: events and WebSocket',
    version: '1.0.0',
    description:
      'Events are CloudEvents 1.0 in structured JSON, delivered at least once: a reader remembers their ids. Fields that a reader does not know are to be ignored; a change that it must know about is a new major version in `dataschema`.',
    license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT.html' },
  },
  defaultContentType: 'application/json',
  servers: {
    broker: {
      host: 'localhost:18002',
      protocol: 'amqp',
      description:
        'RabbitMQ; exchanges of type topic, quorum queues. The port is LOCAL_PORT_BASE + 2.',
    },
    gateway: {
      host: 'localhost:8080',
      protocol: 'ws',
      description: 'the gateway, as the page and the HTTP interface',
    },
  },
  channels: { ...eventChannels(), orderStatus: socketChannel },
  operations: { ...eventOperations(), ...socketOperations },
  components: {
    schemas: schemas.components,
    messages: { ...eventMessages(), [shared]: sharedMessage, ...webSocketMessages() },
    securitySchemes: { bearer },
  },
})

const messageRef = (name: string): JsonObject => ({ $ref: `#/components/messages/${name}` })

const entries = allEventTypes.map((type) => {
  const { from, to, summary } = eventTypes[type]
  return [type, { summary, sender: `${from}-relay`, taker: `${to}-consumer` }] as const
})

/** `paymentRequested`. */
const channelOf = (type: EventType) => `${type[0]?.toLowerCase()}${type.slice(1)}`

const eventChannels = (): Record<string, JsonObject> =>
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

const eventOperations = (): Record<string, JsonObject> =>
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

const eventMessages = (): Record<string, JsonObject> =>
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
const shared = 'SharedMessage'

const sharedMessage: JsonObject = {
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

const webSocketMessages = (): Record<string, JsonObject> =>
  Object.fromEntries(
    Object.entries(socketMessages).map(([name, summary]) => [
      name,
      {
        name,
        title: name,
        summary,
        payload: refTo(name),
        examples: (socketExamples[name] ?? []) as JsonObject[],
      },
    ]),
  )

const socketChannel: JsonObject = {
  address: statusSocketPath,
  title: 'Follow orders',
  summary: 'How orders end, as it happens',
  description:
    'Name what to follow in the query or in messages. The server sends the present state of each followed order at once (for a user: of each pending order), then every change. An order is forgotten once its final status was sent; a user is followed until unsubscribed. An error names what the refused message named. What cannot be read at the moment stays subscribed and is sent as soon as it can be read; after a minute without a reading the connection is closed (1013). Limits: 4 KiB a message (1009), 100 subscriptions a connection, a slow reader is cut off (1013), pings every 30 s, 1001 at shutdown: connect again, subscribe again. Messages that come faster than WEBSOCKET_MESSAGES_PER_SECOND wait for their turn; a client that sends far more at once, or a message in more than 16 frames, is disconnected (1008). With too many connections of a user or an address the handshake is answered with 429. Without `Upgrade: websocket` the answer is 426, to a page of another origin 403. With AUTH_MODE=jwt the handshake brings a token, in the header Authorization or, where that cannot be set, as the subprotocol after `bearer`; without a valid one the answer is 401. The connection is closed with 4401 when the token expires. An order or user of somebody else is answered as one that does not exist.',
  servers: [{ $ref: '#/servers/gateway' }],
  messages: Object.fromEntries(Object.keys(socketMessages).map((name) => [name, messageRef(name)])),
  bindings: {
    ws: {
      method: 'GET',
      headers: {
        type: 'object',
        properties: {
          Authorization: { type: 'string', description: '`Bearer` and a token' },
          'Sec-WebSocket-Protocol': {
            type: 'string',
            description: '`bearer, ` and a token; the server chooses `bearer`',
          },
        },
      },
      query: {
        type: 'object',
        description: 'each may be there several times',
        properties: {
          order_id: { type: 'string', format: 'uuid', description: 'an order to follow' },
          user_id: { type: 'string', description: 'a user whose orders to follow' },
        },
      },
    },
  },
}

const socketOperation = (action: string, title: string, names: string[]): JsonObject => ({
  action,
  title,
  channel: { $ref: '#/channels/orderStatus' },
  security: [{ $ref: '#/components/securitySchemes/bearer' }],
  messages: names.map((name) => ({ $ref: `#/channels/orderStatus/messages/${name}` })),
})

const socketOperations: Record<string, JsonObject> = {
  followOrders: socketOperation('receive', 'Clients say what they follow', [
    'Subscribe',
    'Unsubscribe',
  ]),
  tellOrders: socketOperation('send', 'Clients are told how orders end', [
    'OrderMessage',
    'ErrorMessage',
  ]),
}
