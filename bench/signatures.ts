import { randomBytes, randomUUIDv7 } from 'node:crypto'
import { decoderOf } from '#contracts/decode-event.ts'
import { createEvent } from '#contracts/events.ts'
import { parseSigningKeys } from '#messaging/index.ts'
import { notSigned, signerWith, verifierWith } from '#messaging/signatures/signature.ts'
import { alternate, type Figure, type Measurement } from './measurement.ts'

/** CPU time of one process to sign an event and to verify it, against decoding the same event. */
export const signatures: Measurement = {
  name: 'signatures',
  run: async (bench): Promise<Figure[]> => {
    const keys = parseSigningKeys(`bench:${randomBytes(32).toString('base64')}`)
    const exchange = 'orders.events'
    const sign = signerWith(keys)
    const verify = verifierWith(keys, { exchange, onUnsigned: () => notSigned })
    const decode = decoderOf('payments')
    const events = Array.from({ length: bench.quick ? 5_000 : 100_000 }, newRequest)
    const microseconds = (work: (event: Buffer) => void) => async () => {
      const before = process.cpuUsage()
      for (const event of events) work(event)
      const { user, system } = process.cpuUsage(before)
      return (user + system) / events.length
    }
    const measured = await alternate(bench, 'signatures', {
      both: microseconds((event) => {
        const refused = verify({ content: event, headers: sign(event, exchange) })
        if (refused) throw new Error(refused.error)
      }),
      decoding: microseconds(decode),
    })
    return [
      {
        ...{ name: 'signatures', unit: 'µs of CPU an event', target: { valueAtMost: 50 } },
        ...{ values: measured.both, against: 'decoding it', limits: measured.decoding },
        note: 'signed once and verified once',
      },
    ]
  },
}

const newRequest = (): Buffer => {
  const data = { order_id: randomUUIDv7(), user_id: 'alice', amount: '12.50' }
  const stamp = { id: randomUUIDv7(), time: new Date() }
  return Buffer.from(JSON.stringify(createEvent({ type: 'PaymentRequested', data }, stamp)))
}
