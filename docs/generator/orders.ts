import { Uuid } from '#contracts/http-fields.ts'
import { ListOrders, Order, OrderPage, PlaceOrder, RefundOrder } from '#contracts/orders-http.ts'
import { ProblemDocument } from '#contracts/problem.ts'
import { Timeline } from '#contracts/timeline.ts'
import type { Api, Operation } from './operation.ts'
import { type Refusal, underPressure, withKey, withUser } from './problems.ts'

const order = {
  order_id: '01910f5e-7b2a-7c31-9d0e-6a1b2c3d4e5f',
  user_id: 'alice',
  amount: '12.50',
  status: 'PAYMENT_PENDING',
  created_at: '2026-01-31T12:00:00.000Z',
  updated_at: '2026-01-31T12:00:00.000Z',
}
const paid = { ...order, status: 'PAID', updated_at: '2026-01-31T12:00:00.021Z' }
const refused = {
  ...paid,
  status: 'PAYMENT_FAILED',
  failure_reason: 'INSUFFICIENT_FUNDS',
}

const refunding = { ...paid, status: 'REFUND_PENDING', updated_at: '2026-02-01T09:00:00.000Z' }
const refunded = { ...paid, status: 'REFUNDED', updated_at: '2026-02-01T09:00:00.021Z' }

const path = {
  order_id: { schema: Uuid, description: 'the order', example: order.order_id },
}
const noSuchOrder: Refusal = {
  when: 'unknown, malformed or of another user',
  detail: 'There is no such order.',
}

const noWebSocket: Refusal = {
  when: 'GET /orders/ws without Upgrade: websocket',
  detail:
    '/orders/ws is a WebSocket: connect with ws:// or wss://. If you did, a proxy on the way has removed the header Upgrade.',
}

const placeOrder: Operation = {
  id: 'placeOrder',
  method: 'post',
  route: '/orders',
  summary: 'Place an order',
  description:
    'Accepts the order and asks Payments for its money. The order is PAYMENT_PENDING until Payments has decided; a 201 means that it will be. Follow it with `GET /orders/{order_id}` or on the WebSocket `/orders/ws` (see the AsyncAPI document).',
  body: {
    schema: 'PlaceOrder',
    examples: {
      'amount as a string': { user_id: 'alice', amount: '12.50' },
      'amount as a number': { user_id: 'alice', amount: 12.5 },
    },
  },
  answer: {
    status: 201,
    description: 'The order is accepted.',
    schema: 'Order',
    examples: { accepted: order },
    location: `/orders/${order.order_id}`,
  },
  problems: {
    403: withUser,
    409: [withKey[409]],
    422: [
      {
        when: 'not the schema',
        detail: 'The request is invalid; see `errors`.',
        errors: [
          {
            pointer: '/amount',
            message:
              'must be an amount from 0.01 to 9999999999999999.99 as "12.50" or 12.50, with two decimals at most',
          },
        ],
      },
      withKey[422],
    ],
    503: underPressure,
  },
}

const listOrders: Operation = {
  id: 'listOrders',
  method: 'get',
  route: '/orders',
  summary: 'List the orders of a user, newest first',
  description: 'Page by page: repeat the call with `cursor` = `next_cursor` until that is null.',
  query: ListOrders,
  queryExamples: { user_id: 'alice', status: 'PAID', limit: 20 },
  answer: {
    status: 200,
    description: 'A page of orders.',
    schema: 'OrderPage',
    examples: {
      'the last page': { items: [paid], next_cursor: null },
      'there are more': { items: [refused], next_cursor: 'MjAyNi0wMS0zMVQxMjowMDowMC4wMDBaIDAx' },
    },
  },
  problems: {
    404: [{ when: 'another user (AUTH_MODE=jwt)', detail: 'There are no orders of this user.' }],
    422: [
      {
        when: 'no user',
        detail: 'The request is invalid; see `errors`.',
        errors: [{ pointer: '/user_id', message: 'is missing' }],
      },
      {
        when: 'a foreign cursor',
        detail: 'The request is invalid; see `errors`.',
        errors: [{ pointer: '/cursor', message: 'must be the next_cursor of an earlier response' }],
      },
    ],
  },
}

const getOrder: Operation = {
  id: 'getOrder',
  method: 'get',
  route: '/orders/{order_id}',
  summary: 'Read an order',
  description:
    'PAYMENT_FAILED and REFUNDED never change again, and PAID changes by a refund only. `failure_reason` says why the payment was refused, or of a PAID order why its refund was.',
  path,
  answer: {
    status: 200,
    description: 'The order.',
    schema: 'Order',
    examples: { pending: order, paid, refused, refunded },
  },
  problems: { 404: [noSuchOrder], 426: [noWebSocket] },
}

const getTimeline: Operation = {
  id: 'getTimeline',
  method: 'get',
  route: '/orders/{order_id}/timeline',
  summary: 'See where an order has been, and when',
  description:
    'The stages that have happened, in their order, by the clocks of those who were there; made to never decrease, since clocks differ between hosts.',
  path,
  answer: {
    status: 200,
    description: 'The stages so far.',
    schema: 'Timeline',
    examples: {
      paid: {
        order_id: order.order_id,
        stages: [
          { stage: 'accepted', at: '2026-01-31T12:00:00.000Z' },
          { stage: 'relayed', at: '2026-01-31T12:00:00.004Z' },
          { stage: 'received', at: '2026-01-31T12:00:00.007Z' },
          { stage: 'charged', at: '2026-01-31T12:00:00.012Z' },
          { stage: 'reply_relayed', at: '2026-01-31T12:00:00.016Z' },
          { stage: 'settled', at: '2026-01-31T12:00:00.021Z' },
        ],
      },
      refunded: {
        order_id: order.order_id,
        stages: [
          { stage: 'accepted', at: '2026-01-31T12:00:00.000Z' },
          { stage: 'settled', at: '2026-01-31T12:00:00.021Z' },
          { stage: 'refund_accepted', at: '2026-02-01T09:00:00.000Z' },
          { stage: 'refunded', at: '2026-02-01T09:00:00.021Z' },
        ],
      },
    },
  },
  problems: { 404: [noSuchOrder] },
}

const refundOrder: Operation = {
  id: 'refundOrder',
  method: 'post',
  route: '/orders/{order_id}/refund',
  summary: 'Refund an order',
  description:
    'Asks Payments to give back the money of a PAID order. The order is REFUND_PENDING until Payments has decided; then it is REFUNDED, or PAID again if the account cannot take the money (`failure_reason` is BALANCE_LIMIT). Payments decides once: another refund of the same order ends as the first one did. No body, or `{}`.',
  path,
  body: { schema: 'RefundOrder', examples: { 'no more to say': {} }, isOptional: true },
  answer: {
    status: 200,
    description: 'The refund is accepted.',
    schema: 'Order',
    examples: { accepted: refunding },
  },
  problems: {
    404: [noSuchOrder],
    409: [
      {
        when: 'the payment is not decided yet (with Retry-After)',
        type: 'order-pending',
        detail: 'Payments has not decided about this order yet. Repeat the request.',
      },
      {
        when: 'there is nothing to refund',
        type: 'not-refundable',
        detail: 'Only a PAID order can be refunded; this one is REFUNDED.',
      },
      withKey[409],
    ],
    422: [
      {
        when: 'not the schema',
        detail: 'The request is invalid; see `errors`.',
        errors: [{ pointer: '/amount', message: 'is not known here' }],
      },
      withKey[422],
    ],
    503: underPressure,
  },
}

export const ordersApi: Api = {
  title: 'Orders',
  description:
    'Takes orders, refunds them, and tells how they ended. Each order becomes PAID or PAYMENT_FAILED exactly once, and a paid order is refunded once at most, whatever fails in between.',
  schemas: { PlaceOrder, RefundOrder, Order, OrderPage, Timeline, Problem: ProblemDocument },
  operations: [placeOrder, listOrders, getOrder, getTimeline, refundOrder],
}
