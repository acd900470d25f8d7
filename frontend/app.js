/** @import { Account, Order } from './api.js' */
/** @import { Connection, Loss } from './live.js' */
import * as api from './api.js'
import { Burst } from './burst-form.js'
import { createCatchUp } from './catch-up.js'
import { find } from './find.js'
import { onSubmit } from './forms.js'
import { createIntent } from './intent.js'
import { createLife } from './life.js'
import { LiveOrders } from './live.js'
import { formatAmount, parseAmount } from './money.js'
import { clearNote, showFailure, showFieldError, showSuccess } from './notes.js'
import { createOrderList } from './order-list.js'
import { rememberedUser, rememberUser } from './session.js'
import { isFinal, isPaid, reasonOf, wordOf } from './status.js'
import { shareWithTabs } from './tabs.js'
import * as view from './view.js'
import { startWelcome } from './welcome.js'

const ordersShown = 20
const ledgerShown = 7

const accountForm = find('account-form', HTMLFormElement)
const topUpForm = find('topup-form', HTMLFormElement)
const orderForm = find('order-form', HTMLFormElement)
const topUpIntent = createIntent()
const orderIntent = createIntent()
const welcome = startWelcome(find('welcome-pipeline', HTMLElement))
const life = createLife()

let userId = ''
let lastPlaced = ''
let orders = createOrderList(ordersShown)
/** @type {LiveOrders | undefined} */
let live
/** What is wrong, by what it is wrong with. */
const troubles = { stream: '', reading: '' }

const catchUp = createCatchUp(readAll, {
  onDone: () => setTrouble('reading', ''),
  onFailed: (error) => {
    const isAway = error instanceof api.Problem && error.isPassing
    const why = isAway ? 'A service does not answer' : 'Something could not be read'
    setTrouble('reading', `${why}; what you see may be old. Trying again every few seconds.`)
  },
})
const tellTabs = shareWithTabs(take)
const burst = new Burst({ userId: () => userId, onPlaced: placed, onDone: catchUp })

find('trouble-retry', HTMLButtonElement).addEventListener('click', () => {
  live?.tryNow()
  catchUp()
})
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) catchUp()
})
find('switch', HTMLButtonElement).addEventListener('click', leave)
find('orders', HTMLElement).addEventListener('click', ({ target }) => {
  const row = target instanceof Element ? target.closest('li') : null
  const order = orders.newestFirst().find(({ order_id }) => row?.id === `orders-${order_id}`)
  if (order) choose(order)
})

onSubmit(accountForm, async (typed) => {
  const wanted = typed.trim()
  if (wanted === '') return showFieldError(accountForm, 'Enter a name, such as alice.')
  const account = await createOrRead(wanted)
  const isTyping = accountForm.contains(document.activeElement)
  enter(account)
  if (isTyping) find('topup-amount', HTMLElement).focus()
})

onSubmit(topUpForm, async (typed) => {
  const amount = parseAmount(typed)
  if (amount === undefined) return showFieldError(topUpForm, 'Enter an amount such as 12.50.')

  const account = await api.topUp(userId, amount, topUpIntent.keyFor(`${userId} ${amount}`))
  topUpIntent.succeeded()
  if (account.user_id !== userId) return
  showSuccess(topUpForm, `Added ${formatAmount(amount)}.`)
  catchUp()
})

onSubmit(orderForm, async (typed) => {
  lastPlaced = '' // from now on the form speaks of this order, and says so if it cannot be placed
  const amount = parseAmount(typed)
  if (amount === undefined) return showFieldError(orderForm, 'Enter an amount such as 12.50.')

  const order = await api.placeOrder(userId, amount, orderIntent.keyFor(`${userId} ${amount}`))
  orderIntent.succeeded()
  if (order.user_id !== userId) return
  showSuccess(orderForm, `Order of ${formatAmount(amount)} placed.`)
  lastPlaced = order.order_id
  placed(order)
  const latest = orders.newestFirst().find(({ order_id }) => order_id === order.order_id) ?? order
  sayEnd(latest) // its end may have come before the answer
  choose(latest)
})

/** @param {Account} account */
function enter(account) {
  userId = account.user_id
  rememberUser(userId)
  orders = createOrderList(ordersShown)
  welcome.stop()
  view.showPlace(account)
  live?.stop()
  live = new LiveOrders(userId, { onState: showState, onOpen: opened, onOrder: takeLive })
  catchUp()
}

function opened() {
  setTrouble('stream', '')
  catchUp()
}

/** Nothing of an account stays for the next. */
function leave() {
  live?.stop()
  live = undefined
  userId = ''
  lastPlaced = ''
  rememberUser('')
  life.clear()
  burst.leave()
  for (const form of [topUpForm, orderForm]) clearNote(form)
  troubles.stream = ''
  setTrouble('reading', '')
  view.showPlace(undefined)
  welcome.start()
  find('user-id', HTMLInputElement).select()
}

/** @param {string} wanted */
async function createOrRead(wanted) {
  try {
    return await api.createAccount(wanted)
  } catch (error) {
    const exists = error instanceof api.Problem && error.document.status === 409 && !error.isPassing
    if (!exists) throw error
    return await api.readAccount(wanted)
  }
}

/** @param {Order} order */
function choose(order) {
  life.show(order)
  view.showOrders(orders.newestFirst(), order.order_id)
}

/** @param {Order} order */
function takeLive(order) {
  const isOfBurst = burst.takeLive(order)
  if (!take(order) || !isFinal(order)) return
  if (!isOfBurst && order.order_id !== lastPlaced) announce(order)
  catchUp()
}

/** @param {Order} order */
function placed(order) {
  take(order)
  tellTabs(order)
}

/** Says whether it was news. @param {Order} order */
function take(order) {
  if (order.user_id !== userId) return false
  const isNews = orders.take(order)
  if (isNews) view.showOrders(orders.newestFirst(), life.chosen())
  if (isNews && order.order_id === life.chosen()) life.show(order)
  if (isNews && order.order_id === lastPlaced) sayEnd(order)
  return isNews
}

/** How the order ended that the form speaks of. @param {Order} order */
function sayEnd(order) {
  const amount = formatAmount(order.amount)
  if (isPaid(order)) showSuccess(orderForm, `Order of ${amount} paid.`)
  if (reasonOf(order) === '') return
  showFailure(orderForm, `Order of ${amount} refused: ${reasonOf(order)}. Nothing was taken.`)
}

/** @param {Order} order */
function announce(order) {
  const reason = reasonOf(order)
  const why = reason === '' ? '' : `, because ${reason}`
  view.announce(`Order of ${formatAmount(order.amount)}: ${wordOf(order.status).text}${why}.`)
}

/** @param {Connection} state @param {Loss} [loss] */
function showState(state, loss) {
  view.showConnection(state)
  if (loss) setTrouble('stream', sentenceOf(loss))
}

/** @param {Loss} loss */
function sentenceOf({ problem, nextTryInMs }) {
  const goesOn = 'orders go on all the same.'
  if (nextTryInMs === undefined) {
    return `Live updates are refused; ${goesOn} ${problem?.detail ?? problem?.title}`
  }
  const what = problem ? 'cannot be read at the moment' : 'are lost'
  return `Live updates ${what}; ${goesOn} Next try in ${Math.ceil(nextTryInMs / 1_000)} s.`
}

/** @param {keyof typeof troubles} about @param {string} text */
function setTrouble(about, text) {
  troubles[about] = text
  view.showTrouble(troubles.stream || troubles.reading)
}

async function readAll() {
  const reader = userId
  if (reader === '') return
  const [account, ledger, latest] = await Promise.all([
    api.readAccount(reader),
    api.readLedger(reader, ledgerShown),
    readLatest(reader),
  ])
  if (reader !== userId) return
  view.showBalance(account)
  view.showLedger(ledger.items)
  for (const order of latest.items) take(order)
}

/** The stream is live when orders can be read. @param {string} reader */
async function readLatest(reader) {
  try {
    const latest = await api.readOrders(reader, ordersShown)
    if (reader === userId) live?.confirm()
    return latest
  } catch (error) {
    if (reader === userId) live?.doubt()
    throw error
  }
}

async function begin() {
  const remembered = rememberedUser()
  find('user-id', HTMLInputElement).value = remembered
  view.showPlace(undefined)
  if (remembered === '') return welcome.start()
  accountForm.requestSubmit()
}

void begin()
