import { randomBytes } from 'node:crypto'
import { OrderSubscriber } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { traceTree } from '#testing/trace-tree.ts'
import { openTracedStack } from '#testing/traced-stack.ts'

/** `npm run traces`: starts a stack, places 200 orders at once, and prints the trace of one. */
const traced = await openTracedStack()
try {
  const user = await traced.newUser('200.00')
  const watcher = new OrderSubscriber(traced.ordersApi(2))
  const traceId = randomBytes(16).toString('hex')
  const headers = { traceparent: `00-${traceId}-${randomBytes(8).toString('hex')}-01` }
  const { body } = await traced.placeAtOnce(user, 200, headers)
  watcher.follow(body.order_id as string)
  await eventually(() => watcher.finals.size === 1)
  watcher.close()
  await traced.stack.stop() // each process sends its last spans
  console.log(traceTree(traced.receiver.spans, traceId))
} finally {
  await traced.close()
}
