/** @typedef {{ stage: string, at: string }} Stage */
/** @typedef {'todo' | 'now' | 'done' | 'bad' | 'unknown'} StepState */
/** @typedef {{ stage: string, label: string, by: string, state: StepState, tookMs: number | undefined }} Step */

/** @type {Record<string, string>} */
const labels = {
  accepted: 'Accepted',
  relayed: 'Relayed',
  received: 'Received',
  charged: 'Charged',
  refused: 'Refused',
  reply_relayed: 'Reply relayed',
  settled: 'Settled',
}
/** The six steps, and the process that does each, named where it begins. */
const slots = [
  ['accepted', 'orders-api'],
  ['relayed', 'orders-relay'],
  ['received', 'payments-consumer'],
  ['charged'],
  ['reply_relayed', 'payments-relay'],
  ['settled', 'orders-consumer'],
]

/**
 * The six steps of an order as they stand: done or refused with the time since the step before, being
 * waited for, still to come, or not recorded though the order is settled.
 * @param {Stage[]} stages
 * @returns {Step[]}
 */
export function stepsOf(stages) {
  const times = new Map(stages.map(({ stage, at }) => [stage, Date.parse(at)]))
  const isRefused = times.has('refused')
  const isSettled = times.has('settled')
  /** @type {number | undefined} */
  let lastMs
  let isWaiting = false
  return slots.map(([slot = '', by = '']) => {
    const stage = slot === 'charged' && isRefused ? 'refused' : slot
    const label = labels[stage] ?? stage
    const at = times.get(stage)
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
 * The same as if only so many steps had happened: for showing one after the other what happened faster
 * than anybody can see.
 * @param {Step[]} steps
 * @param {number} count
 * @returns {Step[]}
 */
export const firstSteps = (steps, count) =>
  steps.map((step, index) => {
    if (index < count) return step
    return { ...step, state: index === count ? 'now' : 'todo', tookMs: undefined }
  })
