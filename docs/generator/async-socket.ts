import { statusSocketPath } from '#contracts/orders-ws.ts'
import { socketExamples } from './async-examples.ts'
import { type JsonObject, messageRef, refTo } from './schemas.ts'

const socketMessages: Record<string, string> = {
  Subscribe: 'Follow an order, or every order of a user',
  Unsubscribe: 'Follow it no more',
  OrderMessage: 'An order as it is now',
  ErrorMessage: 'A message that cannot be followed; the connection stays',
}

export const webSocketMessages = (): Record<string, JsonObject> =>
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

export const socketChannel: JsonObject = {
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

export const socketOperations: Record<string, JsonObject> = {
  followOrders: socketOperation('receive', 'Clients say what they follow', [
    'Subscribe',
    'Unsubscribe',
  ]),
  tellOrders: socketOperation('send', 'Clients are told how orders end', [
    'OrderMessage',
    'ErrorMessage',
  ]),
}
