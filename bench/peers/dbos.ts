import {
  charge,
  type Decision,
  insertOrder,
  openPool,
  type PeerOrder,
  poolSize,
  serveOrders,
  setting,
  settle,
} from './orders.ts'
import { requirePackage } from './packages.ts'

const { DBOS } = requirePackage('@dbos-inc/dbos-sdk')

/**
 * Orders on DBOS Transact: the handler starts the workflow, which is durable then, and inserts the
 * order; the workflow has a step to charge and one to settle. Steps are plain, since what they do
 * is idempotent by itself.
 */
const orders = openPool(setting('ORDERS_URL'))
const payments = openPool(setting('PAYMENTS_URL'))

const charging = DBOS.registerStep((order: PeerOrder) => charge(payments, order), {
  name: 'charge',
})
const settling = DBOS.registerStep(
  (order: PeerOrder, decision: Decision) => settle(orders, order, decision),
  { name: 'settle' },
)
const paying = DBOS.registerWorkflow(
  async (order: PeerOrder) => settling(order, await charging(order)),
  { name: 'pay' },
)

DBOS.setConfig({
  name: 'orders',
  applicationVersion: '1',
  systemDatabaseUrl: setting('SYSTEM_URL'),
  systemDatabasePoolSize: poolSize,
  logLevel: 'warn',
})
await DBOS.launch()
serveOrders(async (order) => {
  await DBOS.startWorkflow(paying, { workflowID: order.order_id })(order)
  await insertOrder(orders, order)
})
