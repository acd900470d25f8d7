/** @import { Connection } from './live.js' */
import * as api from './api.js'
import { createCatchUp } from './catch-up.js'
import { find } from './find.js'
import { createIntent } from './intent.js'
import { followOrders } from './live.js'
import { formatAmount, parseAmount } from './money.js'
import { clearNote, showError, showFieldError, showSuccess } from './notes.js'
import { createOrderList } from './order-list.js'
import * as view from './view.js'

const ordersShown = 20

const accountForm = find('account-form', HTMLFormElement)
const topUpForm = find('topup-form', HTMLFormElement)
const orderForm = find('order-form', HTMLFormElement)
const topUpIntent = createIntent()
const orderIntent = createIntent()

let userId = ''
let orders = createOrderList(ordersShown)
/** @type {Connection} */
let connection = 'connecting'
let stopFollowing = () => {}

const catchUp = createCatchUp(readAll, {
  onDone: () => view.showConnection(connection),
  onFailed: () => view.showConnection('lost'),
})

onSubmit(accountForm, async (typed) => {
  const wanted = typed.trim()
  if (wanted === '') return showFieldError(accountForm, 'Enter a user id.')

  const account = await createOrRead(wanted)
  stopFollowing()
  userId = account.user_id
  orders = createOrderList(ordersShown)
  view.showAccount(account)
  stopFollowing = followOrders(userId, { onState: showState, onLive: catchUp, onOrder: takeLive })
  catchUp()
})

onSubmit(topUpForm, async (typed) => {
  const amount = parseAmount(typed)
  if (amount === undefined) return showFieldError(topUpForm, 'Enter an amount such as 12.50.')

  await api.topUp(userId, amount, topUpIntent.keyFor(`${userId} ${amount}`))
  topUpIntent.succeeded()
  showSuccess(topUpForm, `Added ${formatAmount(amount)}.`)
  catchUp()
})

onSubmit(orderForm, async (typed) => {
  const amount = parseAmount(typed)
  if (amount === undefined) return showFieldError(orderForm, 'Enter an amount such as 12.50.')

  const order = await api.placeOrder(userId, amount, orderIntent.keyFor(`${userId} ${amount}`))
  orderIntent.succeeded()
  showSuccess(orderForm, `Order of ${formatAmount(amount)} placed.`)
  take(order)
})

/** @param {string} wanted */
async function createOrRead(wanted) {
  try {
    return await api.createAccount(wanted)
  } catch (error) {
    const exists = error instanceof api.Problem && error.document.status === 409
    if (!exists) throw error
    return await api.readAccount(wanted)
  }
}

/** @param {api.Order} order */
function takeLive(order) {
  if (order.user_id !== userId || !take(order) || order.status === 'PAYMENT_PENDING') return
  view.announce(order)
  catchUp()
}

/** Says whether it was news. @param {api.Order} order */
function take(order) {
  const isNews = orders.take(order)
  if (isNews) view.showOrders(orders.newestFirst())
  return isNews
}

/** @param {Connection} state */
function showState(state) {
  connection = state
  view.showConnection(state)
}

async function readAll() {
  const reader = userId
  const [account, ledger, latest] = await Promise.all([
    api.readAccount(reader),
    api.readLedger(reader),
    api.readOrders(reader, ordersShown),
  ])
  if (reader !== userId) return
  view.showBalance(account)
  view.showLedger(ledger.items)
  for (const order of latest.items) take(order)
}

/**
 * Runs a form: one submission at a time, errors shown beside the field.
 * @param {HTMLFormElement} form
 * @param {(typed: string) => Promise<void>} act
 */
function onSubmit(form, act) {
  const input = form.querySelector('input')
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    if (form.ariaBusy === 'true') return
    form.ariaBusy = 'true'
    clearNote(form)
    act(input?.value ?? '')
      .catch((error) => showError(form, error))
      .finally(() => {
        form.ariaBusy = 'false'
      })
  })
}
