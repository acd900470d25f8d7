import { eventContentType } from '#messaging/broker/shared-message.ts'
import { alternate, type Bench, type Figure, type Measurement } from './measurement.ts'
import { PaymentsFixture } from './payments-fixture.ts'
import { type Charging, hasPgbench, runPgbench } from './pgbench.ts'
import { startPeer, startProcess } from './processes.ts'
import { openQueue, route } from './queue.ts'
import { paymentRequests } from './requests.ts'

export const accounts = 10_000

export const chargeCount = ({ quick }: Bench): number => (quick ? 4_800 : 50_000)

/**
 * Events that wait in the queue as a relay leaves a backlog, handled by one payments-consumer until
 * the last commit; against the same effect without a broker, one transaction each on 32
 * connections.
 */
export const charge: Measurement = {
  name: 'charge',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { paymentsUrl, brokerUrl } = bench.servers
    const count = bench.quick ? 4_800 : 49_984
    await using queue = await openQueue(brokerUrl)
    await using payments = new PaymentsFixture(paymentsUrl)
    await using peer = choosePeer()
    await using consumer = await startProcess('payments-consumer', bench)

    const ours = async () => {
      await payments.open(accounts)
      return chargeRate([consumer], queue, payments, { count: chargeCount(bench), accounts })
    }
    const limit = async () => {
      await payments.open(accounts)
      await peer.charge({ paymentsUrl, count, clients: 32, accounts })
      await payments.audit(count)
      return payments.rate()
    }
    const values = await alternate(bench, 'charge', { ours, limit })
    const common = { name: 'charge', unit: 'requests/s', against: peer.name }
    return [{ ...common, values: values.ours, limits: values.limit, target: { ratioAtLeast: 2 } }]
  },
}

/** The same with all messages for one account, against those for many. */
export const hotAccount: Measurement = {
  name: 'hot account',
  run: async (bench: Bench): Promise<Figure[]> => {
    const { paymentsUrl, brokerUrl } = bench.servers
    const count = chargeCount(bench)
    await using queue = await openQueue(brokerUrl)
    await using payments = new PaymentsFixture(paymentsUrl)
    await using consumer = await startProcess('payments-consumer', bench)

    const rate = async (accounts: number) => {
      await payments.open(accounts)
      return chargeRate([consumer], queue, payments, { count, accounts })
    }
    const sides = { one: () => rate(1), many: () => rate(accounts) }
    const { one, many } = await alternate(bench, 'hot account', sides)
    const against = `the same for ${accounts.toLocaleString('en')} accounts`
    const common = { name: 'hot account', unit: 'requests/s', against }
    return [{ ...common, values: one, limits: many, target: { ratioAtLeast: 0.7 } }]
  },
}

type Consumer = Awaited<ReturnType<typeof startProcess>>
type Queue = Awaited<ReturnType<typeof openQueue>>

/**
 * Consumers are frozen while the queue is filled, so that they are warm and yet begin with all of
 * it. Counts from what the fixture counts from; looks whether every message was charged once.
 */
export async function chargeRate(
  consumers: Consumer[],
  queue: Queue,
  payments: PaymentsFixture,
  { count, accounts }: { count: number; accounts: number },
): Promise<number> {
  const messages = requests(count, accounts)
  for (const consumer of consumers) consumer.freeze()
  await queue.fill(messages)
  const from = new Date()
  for (const consumer of consumers) consumer.thaw()
  await payments.untilHandled(count)
  await payments.audit(count)
  await queue.expectEmpty()
  return payments.rate(from)
}

/**
 * pgbench needs less CPU than a loop in Node, which makes it the harder peer where both are there.
 */
function choosePeer() {
  if (hasPgbench()) {
    const name = 'pgbench, 32 clients, the same effect one transaction each'
    return { name, charge: runPgbench, [Symbol.asyncDispose]: async () => {} }
  }
  const name = 'a bare pg loop, 32 connections, the same effect one transaction each'
  const peer = startPeer<Charging, object>('bare-charge.ts')
  return { name, charge: peer.ask, [Symbol.asyncDispose]: peer[Symbol.asyncDispose] }
}

const requests = (count: number, accounts: number) =>
  paymentRequests(count, accounts).map((event) => ({
    id: event.id,
    type: event.type,
    ...route,
    contentType: eventContentType,
    mayShare: true,
    content: Buffer.from(JSON.stringify(event)),
  }))
