import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { pause } from '#chassis/pause.ts'
import { eventTypes } from '#contracts/event-types.ts'
import { createEvent } from '#contracts/events.ts'
import { routes } from '#contracts/topology.ts'
import type { FinalState } from '../judge/final-state.ts'
import type { History } from '../judge/history.ts'
import { type Random, randomOf } from './random.ts'
import { publishedLately, someFinalOrder } from './rows.ts'
import type { System } from './system.ts'

/** A bad message that was sent, or may have been: then `sure` is false. */
export interface Sent {
  queue: string
  messageId: string
  atMs: number
  sure: boolean
}

const everyMs = 1_500

/**
 * Contradictions of these, about another amount, are dead letters whatever the order has come to.
 */
const badTypes = [
  'PaymentRequested',
  'RefundRequested',
  'PaymentSucceeded',
  'PaymentRefunded',
] as const
type BadType = (typeof badTypes)[number]
/** Whether it is no fault that there is no such order. */
const decidesStrangers: Record<BadType, boolean> = {
  PaymentRequested: true,
  RefundRequested: false,
  PaymentSucceeded: false,
  PaymentRefunded: false,
}

/**
 * What nobody promised not to send: events that were sent before, many times over and out of order,
 * and messages that can only be set aside. Until told to stop.
 */
export class Injections {
  readonly sent: Sent[] = []
  duplicates = 0
  readonly #system: System
  readonly #random: Random

  constructor(system: System, seed: number) {
    this.#system = system
    this.#random = randomOf(seed, 'injections')
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(everyMs, signal)
      const turn = this.#random.next() < 0.5 ? this.#duplicate() : this.#bad()
      await turn.catch(() => {}) // a server is just away
    }
  }

  async #duplicate(): Promise<void> {
    const { orders, payments } = this.#system.databases
    const events = await publishedLately(this.#random.pick([orders, payments]), 5)
    for (const { event_id, event_type, payload } of events) {
      const route = routes[event_type as keyof typeof routes]
      for (let times = this.#random.between(1, 5); times > 0; times--) {
        await this.#system.broker.publish({ ...route, messageId: event_id, content: payload })
        this.duplicates++
      }
    }
  }

  async #bad(): Promise<void> {
    const type = this.#random.pick([...badTypes])
    const content = await this.#badContent(type)
    if (content === undefined) return
    const route = routes[type]
    const queue = `${eventTypes[type].to}-consumer`
    const messageId = randomUUID()
    const sent = { queue, messageId, atMs: Date.now(), sure: false }
    this.sent.push(sent)
    await this.#system.broker.publish({ ...route, messageId, content })
    sent.sure = true
  }

  async #badContent(type: BadType): Promise<string | undefined> {
    const order = await someFinalOrder(this.#system.databases.orders)
    if (!order) return undefined
    const { order_id, user_id } = order
    const other = { order_id, user_id, amount: '99999.00', tx_id: randomUUIDv7() }
    const stamp = { id: randomUUIDv7(), time: new Date() }
    const contradiction = createEvent({ type, data: other }, stamp)
    const stranger = createEvent({ type, data: { ...other, order_id: randomUUIDv7() } }, stamp)
    return this.#random.pick([
      'no JSON at all',
      JSON.stringify({ ...contradiction, type: 'PaymentForgotten' }),
      JSON.stringify({ ...contradiction, dataschema: 'x/payment-requested.v2.json' }),
      JSON.stringify({ ...contradiction, data: { ...other, amount: 'NaN' } }),
      JSON.stringify({ ...contradiction, padding: 'x'.repeat(1_000_000) }),
      JSON.stringify(contradiction),
      // A request to pay for an order that nobody placed would be decided: all others are dead
      // letters.
      JSON.stringify(decidesStrangers[type] ? contradiction : stranger),
    ])
  }
}

/**
 * The bad messages that must be dead letters: what was sent before a loss at the broker may be gone
 * with it.
 */
export const surelySent = (sent: readonly Sent[], lostUntilMs: number): Sent[] =>
  sent.filter(({ atMs, sure }) => sure && atMs > lostUntilMs)

/**
 * Enters the bad messages in the history as injected: those that must be there, and others if they
 * are.
 */
export function enterInjected(
  history: History,
  { sent, must }: { sent: readonly Sent[]; must: readonly Sent[] },
  letters: FinalState['deadLetters'],
): void {
  const there = new Set(letters.map(({ messageId }) => messageId))
  for (const one of sent) {
    const { queue, messageId } = one
    if (must.includes(one) || there.has(messageId)) history.inject({ queue, messageId })
  }
}
