import { type Static, Type } from 'typebox'

/**
 * When an order went through the hands of each process. The times are those of the machines that
 * were there: what is shown of them is put in order first (orders-api/timeline.ts).
 */
const Time = Type.String({
  format: 'date-time',
  pattern: '^[1-9][0-9]{3}-.*Z$',
  description: 'RFC 3339 in UTC',
  examples: ['2026-01-31T12:00:00.000Z'],
})

/** What a reply of Payments tells of the way of its request; nothing of it is sure to be there. */
export const PaymentTimeline = Type.Object(
  {
    created_at: Type.Optional(Time),
    relayed_at: Type.Optional(Time),
    received_at: Type.Optional(Time),
    charged_at: Type.Optional(Time),
  },
  {
    description:
      'when the request was made, relayed, received, and decided (charged, refunded or refused)',
  },
)
export type PaymentTimeline = Static<typeof PaymentTimeline>

export const Stage = Type.Enum([
  'accepted',
  'relayed',
  'received',
  'charged',
  'refused',
  'reply_relayed',
  'settled',
  'refund_accepted',
  'refunded',
])
export type Stage = Static<typeof Stage>

/** The answer of `GET /orders/{order_id}/timeline`: the stages that are known, never decreasing. */
export const Timeline = Type.Object({
  order_id: Type.String({ format: 'uuid' }),
  stages: Type.Array(Type.Object({ stage: Stage, at: Type.String({ format: 'date-time' }) })),
})
export type Timeline = Static<typeof Timeline>
