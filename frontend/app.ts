import type { Order } from '#contracts/orders-http.ts'
import type { Account } from '#contracts/payments-http.ts'
import { BurstForm } from './burst/burst-form.ts'
import { needsToken } from './lib/api.ts'
import { find } from './lib/elements.ts'
import { showError } from './lib/form-messages.ts'
import { startAccountForm } from './shop/account-form.ts'
import { OrderForm } from './shop/order-form.ts'
import { RefundForm } from './shop/refund-form.ts'
import { Shop } from './shop/shop.ts'
import { shareWithTabs } from './shop/tabs.ts'
import { TopUpForm } from './shop/top-up-form.ts'
import * as view from './shop/view.ts'
import { OrderTimeline } from './timeline/order-timeline.ts'
import { startWelcome } from './timeline/welcome.ts'

let shop: Shop | undefined
const userId = () => shop?.userId ?? ''
const refresh = () => shop?.refresh()

const welcome = startWelcome(find('welcome-pipeline', HTMLElement))
const timeline = new OrderTimeline()
const topUpForm = new TopUpForm(userId, refresh)
const orderForm = new OrderForm(userId, (order) => {
  placed(order)
  const latest = shop?.get(order.order_id) ?? order
  orderForm.sayEnd(latest) // its end may have come before the answer
  choose(latest)
})
const refundForm = new RefundForm(placed)
const burstForm = new BurstForm({ userId, onPlaced: placed, onDone: refresh })
const tellTabs = shareWithTabs((order) => shop?.take(order))

function enter(account: Account): void {
  welcome.stop()
  shop = new Shop(account, {
    chosenId: () => timeline.chosenId,
    onPushed: (order) => burstForm.takePushed(order) || orderForm.speaksOf(order),
    onNews: (order) => {
      if (order.order_id === timeline.chosenId) showChosen(order)
      orderForm.sayEnd(order)
    },
  })
}

/** Nothing of an account stays for the next. */
function leave(): void {
  shop?.leave()
  shop = undefined
  for (const part of [timeline, refundForm, burstForm, topUpForm, orderForm]) part.clear()
  welcome.start()
}

function placed(order: Order): void {
  shop?.take(order)
  tellTabs(order)
}

function choose(order: Order): void {
  showChosen(order)
  shop?.showOrders()
}

function showChosen(order: Order): void {
  timeline.show(order)
  refundForm.show(order)
}

find('trouble-retry', HTMLButtonElement).addEventListener('click', () => shop?.tryNow())
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) refresh()
})
find('orders', HTMLElement).addEventListener('click', ({ target }) => {
  const row = target instanceof Element ? target.closest('li') : null
  const order = shop?.get(row?.id.replace('orders-', '') ?? '')
  if (order) choose(order)
})

/** Users name themselves, or sign in (AUTH_MODE=jwt); what that takes is loaded only then. */
async function openDoor(): Promise<void> {
  view.showPlace(undefined)
  if (needsToken) view.showSignIn()
  const start = needsToken ? (await import('./sign-in/door.ts')).startSignIn : startAccountForm
  const isExpected = start({ onOpened: enter, onClosed: leave })
  if (!isExpected) welcome.start()
}

openDoor().catch((error) => showError(find('sign-in-form', HTMLFormElement), error))
