import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { ordersApi } from '#generator/orders.ts'
import { paymentsApi } from '#generator/payments.ts'
import { useStack } from '#testing/shared-stack.ts'
import { runHttpFile } from './requests/http-file.ts'
import { runCollection } from './requests/postman.ts'

describe('the requests to try, sent through the gateway', function () {
  this.timeout(120_000)
  const stack = useStack()
  const operations = [...ordersApi.operations, ...paymentsApi.operations]
  const variables = () => ({ gateway: stack.gateway, user_id: `try-${randomUUID()}` })

  it('docs/generated/requests.http makes every call once, and each is answered', async () => {
    const replies = await runHttpFile(
      readFileSync('docs/generated/requests.http', 'utf8'),
      variables(),
    )
    for (const { id, answer } of operations) {
      const reply = replies.get(id)
      assert.equal(reply?.status, answer.status, `${id}: ${JSON.stringify(reply?.body)}`)
    }
    assert.equal(replies.size, operations.length)
    assert.equal(replies.get('getAccount')?.body.balance, '20.00')
    const orderId = replies.get('placeOrder')?.body.order_id
    assert.equal(replies.get('getOrder')?.body.order_id, orderId)
    assert.equal(replies.get('listOrders')?.body.items?.[0]?.order_id, orderId)
  })

  it('docs/generated/postman.json makes every call once, and its own tests pass', async () => {
    const collection = JSON.parse(readFileSync('docs/generated/postman.json', 'utf8'))
    const passed = await runCollection(collection, variables())
    assert.equal(passed.length, operations.length)
  })
})
