import type { Timeline } from '#contracts/timeline.ts'

export type StageTime = Timeline['stages'][number]
type Stage = StageTime['stage']

export type StepState = 'todo' | 'now' | 'done' | 'bad' | 'unknown'

export interface Step {
  stage: Stage
  label: string
  by: string
  state: StepState
  tookMs: number | undefined
}

const labels: Record<Stage, string> = {
  accepted: 'Accepted',
  relayed: 'Relayed',
  received: 'Received',
  charged: 'Charged',
  refused: 'Refused',
  reply_relayed: 'Reply relayed',
  settled: 'Settled',
  refund_accepted: 'Refund accepted',
  refunded: 'Refunded',
}
/** The six steps of a payment, and the process that does each, named where it begins. */
const slots: [Stage, string][] = [
  ['accepted', 'orders-api'],
  ['relayed', 'orders-relay'],
  ['received', 'payments-consumer'],
  ['charged', ''],
  ['reply_relayed', 'payments-relay'],
  ['settled', 'orders-consumer'],
]

/** And the two of a refund. */
const refundSlots: [Stage, string][] = [
  ['refund_accepted', 'orders-api'],
  ['refunded', 'orders-consumer'],
]

/**
 * The steps of an order as they stand: done or refused with the time since the step before, being
 * waited for, still to come, or not recorded though the order is settled. A refund has two steps
 * more.
 */
export function stepsOf(stages: StageTime[], { isRefundRefused = false } = {}): Step[] {
  const times = new Map(stages.map(({ stage, at }) => [stage, Date.parse(at)]))
  const all = times.has('refund_accepted') ? [...slots, ...refundSlots] : slots
  const isRefused = times.has('refused')
  const isSettled = times.has('settled')
  let lastMs: number | undefined
  let isWaiting = false
  return all.map(([slot, by]) => {
    const stage = slot === 'charged' && isRefused ? 'refused' : slot
    const label = labels[stage]
    const at = times.get(stage)
    if (at === undefined && slot === 'refunded') {
      const [label, state] = isRefundRefused
        ? ['Refund refused', 'bad' as const]
        : [labels[slot], 'now' as const]
      return { stage, label, by, state, tookMs: undefined }
    }
    if (at === undefined) {
      const state = isSettled ? 'unknown' : isWaiting ? 'todo' : 'now'
      isWaiting = true
      return { stage, label, by, state, tookMs: undefined }
    }
    const tookMs = lastMs === undefined ? undefined : at - lastMs
    lastMs = at
    return { stage, label, by, state: stage === 'refused' ? 'bad' : 'done', tookMs }
  })
}

/**
 * The same as if only so many steps had happened: for showing one after the other what happened
 * faster than anybody can see.
 */
export const firstSteps = (steps: Step[], count: number): Step[] =>
  steps.map((step, index) => {
    if (index < count) return step
    return { ...step, state: index === count ? 'now' : 'todo', tookMs: undefined }
  })
