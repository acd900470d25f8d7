import type { EventType } from '#contracts/event-types.ts'
import { createEvent, type Fact } from '#contracts/events.ts'
import { problemExample } from './problems.ts'

const ids = { order_id: '01910f5e-7b2a-7c31-9d0e-6a1b2c3d4e5f', user_id: 'alice' }
const data = { ...ids, amount: '12.50' }
const timeline = {
  created_at: '2026-01-31T12:00:00.000Z',
  relayed_at: '2026-01-31T12:00:00.004Z',
  received_at: '2026-01-31T12:00:00.007Z',
  charged_at: '2026-01-31T12:00:00.012Z',
}

const refundTimeline = {
  created_at: '2026-02-01T09:00:00.000Z',
  relayed_at: '2026-02-01T09:00:00.004Z',
  received_at: '2026-02-01T09:00:00.007Z',
  charged_at: '2026-02-01T09:00:00.012Z',
}

const eventOf = (fact: Fact, id: string, time: string) =>
  createEvent(fact, { id, time: new Date(time) })

/** An event of each type, as createEvent makes it. */
export const eventExamples: Record<EventType, ReturnType<typeof createEvent>> = {
  PaymentRequested: eventOf(
    { type: 'PaymentRequested', data },
    '01910f5e-7b2b-7001-8a5e-3c2d1e0f9a8b',
    timeline.created_at,
  ),
  PaymentSucceeded: eventOf(
    {
      type: 'PaymentSucceeded',
      data: { ...data, tx_id: '01910f5e-7b36-7a44-b5c6-1a2b3c4d5e6f', timeline },
    },
    '01910f5e-7b37-7b10-9c4d-5e6f7a8b9c0d',
    timeline.charged_at,
  ),
  PaymentFailed: eventOf(
    { type: 'PaymentFailed', data: { ...data, reason: 'INSUFFICIENT_FUNDS', timeline } },
    '01910f5e-7b37-7b10-9c4d-5e6f7a8b9c0e',
    timeline.charged_at,
  ),
  RefundRequested: eventOf(
    { type: 'RefundRequested', data },
    '01910f6d-ba2a-7001-8a5e-3c2d1e0f9a8b',
    refundTimeline.created_at,
  ),
  PaymentRefunded: eventOf(
    {
      type: 'PaymentRefunded',
      data: { ...data, tx_id: '01910f6d-ba36-7a44-b5c6-1a2b3c4d5e6f', timeline: refundTimeline },
    },
    '01910f6d-ba37-7b10-9c4d-5e6f7a8b9c0d',
    refundTimeline.charged_at,
  ),
  RefundFailed: eventOf(
    { type: 'RefundFailed', data: { ...data, reason: 'BALANCE_LIMIT', timeline: refundTimeline } },
    '01910f6d-ba37-7b10-9c4d-5e6f7a8b9c0e',
    refundTimeline.charged_at,
  ),
}

const order = {
  ...data,
  status: 'PAID',
  created_at: timeline.created_at,
  updated_at: '2026-01-31T12:00:00.021Z',
}
const unknown = { when: 'unknown', detail: `There is no order ${ids.order_id}.` }

/** Examples of each message on the WebSocket. */
export const socketExamples: Record<string, { name: string; payload: object }[]> = {
  Subscribe: [
    { name: 'order', payload: { type: 'subscribe', order_id: ids.order_id } },
    { name: 'user', payload: { type: 'subscribe', user_id: ids.user_id } },
  ],
  Unsubscribe: [{ name: 'order', payload: { type: 'unsubscribe', order_id: ids.order_id } }],
  OrderMessage: [{ name: 'paid', payload: { type: 'order', ...order } }],
  ErrorMessage: [
    {
      name: 'unknown',
      payload: { type: 'error', order_id: ids.order_id, problem: problemExample(404, unknown) },
    },
  ],
}
