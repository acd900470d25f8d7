import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { createEvent } from '#contracts/events.ts'
import { exchanges } from '#contracts/topology.ts'
import { managementOf } from '#reliability/chaos/broker.ts'
import { call, insist } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { openProject, type Project } from './project.ts'
import { managementUrl } from './scene.ts'

const minutes = 60_000
const dlq = 'payments-consumer.dlq'
const small = 2_000
const large = 3

/**
 * As tests/operator.e2e.ts has it, but in the operator's container, and on the broker of compose.
 */
describe('the operator in a container', function () {
  this.timeout(5 * minutes)
  let project: Project
  let manage: ReturnType<typeof managementOf>
  const largeIds = Array.from({ length: large }, () => randomUUIDv7())

  before(async function () {
    this.timeout(15 * minutes)
    project = await openProject()
    await project.up(1)
    manage = managementOf(managementUrl(project))
  })

  after(async function () {
    this.timeout(3 * minutes)
    await project?.[Symbol.asyncDispose]()
  })

  /** `docker compose run` ends with the exit code of the operator. */
  const operate = async (...args: string[]) => {
    const command = ['run', '--rm', '--no-TTY', 'operator', ...args, '--json']
    const ended = await project.compose(...command).then(
      (out) => ({ code: 0, out }),
      ({ code, stdout }: { code: number; stdout: string }) => ({ code, out: stdout }),
    )
    return { code: ended.code, json: ended.out ? JSON.parse(ended.out) : undefined }
  }

  const putBadMessage = (messageId: string, payload: string) =>
    manage('POST', `/exchanges/%2F/${exchanges.orders}/publish`, {
      properties: { message_id: messageId, delivery_mode: 2 },
      routing_key: 'payment.requested',
      payload,
      payload_encoding: 'string',
    })

  /** Of an order that nobody has placed: what it is charged for is wrong, but once. */
  const putLetter = (user_id: string) => {
    const data = { order_id: randomUUIDv7(), user_id, amount: '1.00' }
    const event = createEvent(
      { type: 'PaymentRequested', data },
      { id: randomUUIDv7(), time: new Date() },
    )
    return manage('POST', '/exchanges/%2F/amq.default/publish', {
      properties: {
        message_id: event.id,
        type: event.type,
        content_type: 'application/cloudevents+json',
        delivery_mode: 2,
      },
      routing_key: dlq,
      payload: JSON.stringify(event),
      payload_encoding: 'string',
    })
  }

  const listAll = () => operate('dlq', 'list', '--limit', '0')
  const untilListed = (count: number) =>
    eventually(
      async () => {
        const { code, json } = await listAll()
        return code === 0 && json.total === count && json
      },
      { timeoutMs: 2 * minutes, everyMs: 1_000 },
    )

  it('lists thousands of letters, some of a megabyte, each once', async () => {
    for (const id of largeIds) await putBadMessage(id, 'x'.repeat(1_000_000))
    for (let sent = 0; sent < small; sent += 20) {
      const some = Array.from({ length: 20 }, () => putBadMessage(randomUUIDv7(), 'hello'))
      await Promise.all(some)
    }
    const { letters } = await untilListed(small + large)
    assert.equal(new Set(letters.map(({ id }: { id: string }) => id)).size, small + large)
    assert.ok(letters.every(({ queue }: { queue: string }) => queue === dlq))
  })

  it('shows one of a megabyte whole', async () => {
    const { code, json } = await operate('dlq', 'show', largeIds[0] as string)
    assert.equal(code, 0)
    assert.deepEqual(
      json.letters.map(({ bytes, body }: { bytes: number; body: string }) => [bytes, body.length]),
      [[1_000_000, 1_000_000]],
    )
    assert.equal((await operate('dlq', 'show', 'nobody')).code, 1)
  })

  it('redrives all, dry at first, and the consumer sets them aside again', async () => {
    const dry = await operate('dlq', 'redrive', '--all', '--dry-run')
    assert.deepEqual(
      [dry.code, dry.json.dry_run, dry.json.letters.length],
      [0, true, small + large],
    )
    assert.equal((await listAll()).json.total, small + large)

    const { code, json } = await operate('dlq', 'redrive', '--all')
    assert.deepEqual([code, json.error, json.letters.length], [0, null, small + large])
    const { letters } = await untilListed(small + large)
    assert.equal(new Set(letters.map(({ id }: { id: string }) => id)).size, small + large)
  })

  it('discards by id, and all only with --yes; then the databases agree', async () => {
    const one = await operate('dlq', 'discard', largeIds[0] as string, 'nobody')
    assert.deepEqual([one.code, one.json.missing], [1, ['nobody']])
    assert.equal((await operate('dlq', 'discard', '--queue', dlq)).code, 2)
    assert.equal((await listAll()).json.total, small + large - 1)
    const rest = await operate('dlq', 'discard', '--queue', dlq, '--yes')
    assert.deepEqual([rest.code, rest.json.letters.length], [0, small + large - 1])
    assert.deepEqual(await operate('reconcile'), { code: 0, json: { findings: [] } })
  })

  it('charges once for each of 500 letters, though its container is killed while it redrives them', async () => {
    const user_id = 'of-dead-letters'
    await insist(project.gateway, '/accounts', { user_id })
    await insist(project.gateway, `/accounts/${user_id}/topup`, { amount: '500.00' })
    const account = async () =>
      (await call(project.gateway, 'GET', `/accounts/${user_id}`)).body as Record<string, unknown>
    await Promise.all(Array.from({ length: 500 }, () => putLetter(user_id)))
    await untilListed(500)

    const working = operate('dlq', 'redrive', '--all', '--rate', '100')
    const isUnderWay = async () => Number((await account()).balance) < 450
    await eventually(isUnderWay, { timeoutMs: minutes, everyMs: 100 })
    const [operator] = (await project.containers()).filter(({ Name }) => Name.includes('-run-'))
    await project.docker('kill', String(operator?.Name))
    assert.notEqual((await working).code, 0)
    assert.notEqual((await account()).balance, '0.00')

    const { code, json } = await operate('dlq', 'redrive', '--queue', dlq)
    assert.deepEqual([code, json.error], [0, null])
    await eventually(async () => (await account()).balance === '0.00', { timeoutMs: minutes })
    assert.equal((await account()).version, 501)
  })
})
