/** @import { LedgerType, ledgerTypes } from '#contracts/ledger-types.ts' */
/** @import { Account, LedgerEntry, Order } from './api.js' */
/** @import { Connection } from './live.js' */
import { find } from './find.js'
import { formatAmount } from './money.js'
import { showRows } from './rows.js'
import { isFinal, reasonOf, tookMs, wordOf } from './status.js'
import { duration } from './time.js'

const connectionText = { connecting: 'Connecting …', live: 'Live', lost: 'Not live' }

/** The shop of an account, or the welcome of nobody. @param {Account | undefined} account */
export function showPlace(account) {
  const isOpen = account !== undefined
  for (const id of ['shop', 'who', 'connection']) find(id, HTMLElement).hidden = !isOpen
  find('welcome', HTMLElement).hidden = isOpen
  find('account-name', HTMLElement).textContent = account?.user_id ?? ''
  if (!account) return
  showBalance(account)
  showOrders([], '')
  showLedger([])
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
  pill.dataset.state = state
  pill.textContent = connectionText[state]
}

/** What is wrong with what one sees; empty when nothing is. @param {string} text */
export function showTrouble(text) {
  find('trouble', HTMLElement).hidden = text === ''
  const place = find('trouble-text', HTMLElement)
  if (place.textContent !== text) place.textContent = text
}

/** @param {Order[]} orders newest first @param {string} chosen */
export function showOrders(orders, chosen) {
  showRows('orders', orders, (order) => ({
    id: order.order_id,
    amount: formatAmount(order.amount),
    at: order.created_at,
    about: reasonOf(order) || (isFinal(order) ? `after ${duration(tookMs(order))}` : ''),
    isChosen: order.order_id === chosen,
    ...wordOf(order.status),
  }))
}

/**
 * Each type of ledger entry as it is said. The type check compares this with the table of contracts.
 * @type {{ [T in LedgerType]: { text: string, sign: (typeof ledgerTypes)[T]['sign'] extends 1 ? '+' : '\u2212', tone: string } }}
 */
const entryTypes = {
  TOPUP: { text: 'Top-up', sign: '+', tone: 'good' },
  DEBIT: { text: 'Debit', sign: '\u2212', tone: 'plain' },
}

/** @param {LedgerEntry[]} entries newest first */
export function showLedger(entries) {
  showRows('ledger', entries, ({ tx_id, order_id, type, amount, status, created_at }) => {
    const known = entryTypes[/** @type {LedgerType} */ (type)]
    const isRefused = status !== 'SUCCESS'
    return {
      id: tx_id,
      amount: `${known?.sign ?? ''}${formatAmount(amount)}`,
      text: isRefused ? 'Refused' : (known?.text ?? type),
      tone: isRefused ? 'bad' : (known?.tone ?? 'plain'),
      at: created_at,
      about: order_id === null ? '' : `order …${order_id.slice(-6)}`,
    }
  })
}

/** Reads something out, for those who do not see it change. @param {string} text */
export function announce(text) {
  const line = document.createElement('span')
  line.textContent = `${text} `
  find('announcer', HTMLElement).replaceChildren(line)
}
