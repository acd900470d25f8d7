import { eventSchemas } from '#contracts/events.ts'
import { Order } from '#contracts/orders-http.ts'
import { ErrorMessage, OrderMessage, Subscribe, Unsubscribe } from '#contracts/orders-ws.ts'
import { ProblemDocument } from '#contracts/problem.ts'
import {
  eventChannels,
  eventMessages,
  eventOperations,
  shared,
  sharedMessage,
} from './async-events.ts'
import { socketChannel, socketOperations, webSocketMessages } from './async-socket.ts'
import { bearer } from './bearer.ts'
import { Schemas } from './schemas.ts'

const schemas = new Schemas({
  ...eventSchemas,
  Order,
  Problem: ProblemDocument,
  Subscribe,
  Unsubscribe,
  OrderMessage,
  ErrorMessage,
})

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
