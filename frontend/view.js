/** @import { Account, LedgerEntry, Order } from './api.js' */
/** @import { Connection } from './live.js' */
import { find } from './find.js'
import { formatAmount } from './money.js'
import { showRows } from './rows.js'

/** @type {Record<string, { text: string, tone: string }>} */
const orderStatus = {
  PAYMENT_PENDING: { text: 'Payment pending', tone: 'pending' },
  PAID: { text: 'Paid', tone: 'good' },
  PAYMENT_FAILED: { text: 'Payment failed', tone: 'bad' },
}

const connectionText = {
  connecting: 'Connecting …',
  live: 'Live',
  lost: 'Connection lost, trying again …',
}

/** Opens the page for an account, before anything else of it is known. @param {Account} account */
export function showAccount(account) {
  find('account-name', HTMLElement).textContent = account.user_id
  showBalance(account)
  showOrders([])
  showLedger([])
  find('intro', HTMLElement).hidden = true
  for (const id of ['balance-area', 'order-area', 'orders-area', 'ledger-area']) {
    find(id, HTMLElement).hidden = false
  }
}

/** @param {Account} account */
export function showBalance(account) {
  const place = find('balance', HTMLElement)
  place.textContent = formatAmount(account.balance)
  place.classList.toggle('long', account.balance.length > 12)
}

/** @param {Connection} state */
export function showConnection(state) {
  const pill = find('connection', HTMLElement)
  pill.hidden = false
  pill.dataset.state = state
  pill.textContent = connectionText[state]
}

/** @param {Order[]} orders newest first */
export function showOrders(orders) {
  showRows('orders', orders, ({ order_id, amount, status, created_at, updated_at }) => {
    const { text, tone } = orderStatus[status] ?? { text: status, tone: 'pending' }
    const tookMs = Date.parse(updated_at) - Date.parse(created_at)
    const took = tone === 'pending' ? '' : `final after ${duration(tookMs)} · `
    return {
      id: order_id,
      amount: formatAmount(amount),
      text,
      tone,
      at: created_at,
      about: took + order_id,
    }
  })
}

/** @param {LedgerEntry[]} entries newest first */
export function showLedger(entries) {
  showRows('ledger', entries, ({ tx_id, order_id, type, amount, status, created_at }) => {
    const isTopUp = type === 'TOPUP'
    const refused = status !== 'SUCCESS'
    return {
      id: tx_id,
      amount: `${isTopUp ? '+' : '\u2212'}${formatAmount(amount)}`,
      text: refused ? 'Refused' : isTopUp ? 'Top-up' : 'Debit',
      tone: refused ? 'bad' : isTopUp ? 'good' : 'plain',
      at: created_at,
      about: order_id === null ? '' : `order ${order_id}`,
    }
  })
}

/** Reads a change out, for those who do not see the row change. @param {Order} order */
export function announce({ amount, status }) {
  const line = document.createElement('span')
  line.textContent = `Order of ${amount}: ${orderStatus[status]?.text ?? status}. `
  find('announcer', HTMLElement).replaceChildren(line)
}

/** @param {number} ms */
const duration = (ms) => (ms < 1000 ? `${ms} ms` : `${(ms / 1000).toFixed(1)} s`)
