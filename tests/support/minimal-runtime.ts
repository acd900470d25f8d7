// Run by tests/client.e2e.ts in a runtime without WebSocket (as Node 20) and crypto.randomUUID (as
// a page of plain http): calls, a retry and the end of an order, by the client.
import { WebSocket } from 'ws'
import { Client } from '#client/client.ts'
import { isPending } from '#contracts/order-states.ts'

const gateway = process.env.GATEWAY ?? ''
try {
  new Client({ gateway }).follow({ onOrder: () => {} })
} catch (error) {
  console.log((error as Error).message.split(' (')[0])
}

let isFirst = true
const client = new Client({
  gateway,
  WebSocket,
  fetch: (url, init) => {
    if (!isFirst) return fetch(url, init)
    isFirst = false
    return Promise.reject(new TypeError('the first answer is lost'))
  },
})
const { user_id } = await client.createAccount(`less-${process.pid}-${Date.now()}`)
await client.topUp(user_id, '1.00')
const { order_id } = await client.placeOrder(user_id, '1.00')
const following = client.follow({
  onOrder: ({ status }) => {
    if (isPending(status)) return
    console.log(status)
    following.close()
  },
})
following.order(order_id)
