import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import {
  charge,
  insertOrder,
  openPool,
  type PeerOrder,
  serveOrders,
  setting,
  settle,
} from './orders.ts'
import { requirePackage } from './packages.ts'

const restate = requirePackage('@restatedev/restate-sdk')

/**
 * Orders on Restate: the handler sends the order to the service, with its id as idempotency key,
 * and inserts it. The service charges in `ctx.run` and then settles, without another entry in the
 * journal: its guide on databases allows that for an idempotent statement with no step after it.
 */
const orders = openPool(setting('ORDERS_URL'))
const payments = openPool(setting('PAYMENTS_URL'))
interface Context {
  run: <T>(name: string, work: () => Promise<T>) => Promise<T>
}

const pay = async (ctx: Context, order: PeerOrder) =>
  settle(orders, order, await ctx.run('charge', () => charge(payments, order)))

const agent = new Agent({ keepAlive: true, maxSockets: 256 })
const ingress = new URL('/restate/send/Payments/pay', setting('INGRESS_URL'))

/** Resolves when Restate has it in its log, on the disk. */
async function send(order: PeerOrder): Promise<void> {
  const body = JSON.stringify(order)
  const headers = {
    'Content-Type': 'application/json',
    'Content-Length': body.length,
    'Idempotency-Key': order.order_id,
  }
  const sending = request(ingress, { method: 'POST', agent, headers })
  sending.end(body)
  const [response]: IncomingMessage[] = await once(sending, 'response')
  response?.resume()
  if (response?.statusCode !== 202) throw new Error(`Restate answered ${response?.statusCode}`)
}

const services = [restate.service({ name: 'Payments', handlers: { pay } })]
await restate.serve({ services, port: Number(setting('SERVICE_PORT')) })
serveOrders(async (order) => {
  await send(order)
  await insertOrder(orders, order)
})
