import { randomUUID } from 'node:crypto'
import { processPort } from '#local/stack/ports.ts'
import { call, insist, type Reply } from './client.ts'
import { freePortBase } from './free-ports.ts'
import { OtlpReceiver } from './otlp-receiver.ts'
import { type Stack, startStack } from './stack.ts'

/** A stack that sends its spans to a receiver. It has two replicas of orders-api. */
export interface TracedStack {
  stack: Stack
  receiver: OtlpReceiver
  /** The address of a replica of orders-api, not through the gateway. */
  ordersApi: (replica: number) => string
  newUser: (balance: string) => Promise<string>
  /**
   * Places so many orders of 1.00 at the first replica while the relay is frozen, so that one claim
   * has all of them. The headers are those of the last order, whose answer is returned.
   */
  placeAtOnce: (userId: string, count: number, headers?: Record<string, string>) => Promise<Reply>
  close: () => Promise<void>
}

export async function openTracedStack(env: NodeJS.ProcessEnv = {}): Promise<TracedStack> {
  const receiver = await OtlpReceiver.open()
  const base = await freePortBase()
  const stack = await startStack({
    args: ['--scale', 'orders-api=2'],
    env: {
      LOCAL_PORT_BASE: String(base),
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_BSP_SCHEDULE_DELAY: '200',
      ...env,
    },
  })
  const ordersApi = (replica: number) =>
    `http://127.0.0.1:${processPort(base, 'orders-api', replica)}`
  return {
    ...{ stack, receiver, ordersApi },
    newUser: async (amount) => {
      const user_id = `traced-${randomUUID()}`
      await insist(stack.gateway, '/accounts', { user_id })
      await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount })
      return user_id
    },
    placeAtOnce: async (user_id, count, headers = {}) => {
      const place = (own: Record<string, string> = {}) =>
        call(ordersApi(1), 'POST', '/orders', { body: { user_id, amount: '1.00' }, headers: own })
      const relay = stack.pidOf('orders-relay')
      process.kill(relay, 'SIGSTOP')
      try {
        const others = Array.from({ length: count - 1 }, () => place())
        const [last] = await Promise.all([place(headers), ...others])
        return last
      } finally {
        process.kill(relay, 'SIGCONT')
      }
    },
    close: async () => {
      await stack.stop()
      await receiver.close()
    },
  }
}
