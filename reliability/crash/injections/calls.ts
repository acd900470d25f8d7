import { formatMoney } from '#contracts/money.ts'
import type { ProcessName } from '#local/stack/ports.ts'
import { call } from '#testing/client.ts'
import { users } from '../load.ts'
import type { System } from '../system.ts'

/** The key of one order for another: refused, with nothing done. */
export async function misuseKey({ fleet, history }: System): Promise<void> {
  const used = history.calls.findLast(({ kind, ending }) => kind === 'order' && ending === 'ok')
  if (!used) return
  const headers = { 'idempotency-key': used.key }
  const body = { user_id: used.userId, amount: '999999.99' }
  await call(fleet.address('orders-api'), 'POST', '/orders', { body, headers }).catch(() => {})
}

/** A call that was answered, once more. */
export async function repeatCall({ fleet, history }: System, process: ProcessName): Promise<void> {
  const kind = process === 'orders-api' ? 'order' : 'account'
  const done = history.calls.findLast((one) => one.kind === kind && one.ending === 'ok')
  if (!done) return
  const headers = { 'idempotency-key': done.key }
  const amount = formatMoney(done.amountMinor)
  const body = { user_id: done.userId, ...(kind === 'order' && { amount }) }
  await call(fleet.address(process), 'POST', `/${kind}s`, { body, headers }).catch(() => {})
}

export async function openTwice({ fleet }: System): Promise<void> {
  const body = { user_id: users.rich }
  await call(fleet.address('payments-api'), 'POST', '/accounts', { body }).catch(() => {})
}

export async function topUpNobody({ fleet }: System): Promise<void> {
  const body = { amount: '1.00' }
  const path = '/accounts/none/topup'
  await call(fleet.address('payments-api'), 'POST', path, { body }).catch(() => {})
}

/** The refund of an order that was refunded: refused, with nothing done. */
export async function refundAgain({ fleet, history }: System): Promise<void> {
  const [orderId] =
    [...history.received].findLast(([, received]) => received.includes('REFUNDED')) ?? []
  if (!orderId) return
  await call(fleet.address('orders-api'), 'POST', `/orders/${orderId}/refund`).catch(() => {})
}
