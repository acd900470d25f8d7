import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { exchanges } from '#contracts/topology.ts'
import { eventually } from '#testing/eventually.ts'
import { managementOf } from '../chaos/broker.ts'
import { openProject, type Project } from './project.ts'
import { managementUrl } from './scene.ts'

const minutes = 60_000
const dlq = 'payments-consumer.dlq'
const small = 2_000
const large = 3

/** As tests/operator.e2e.ts has it, but in the operator's container, and on the broker of compose. */
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

  it('discards by id, and all only with --yes; then the books agree', async () => {
    const one = await operate('dlq', 'discard', largeIds[0] as string, 'nobody')
    assert.deepEqual([one.code, one.json.missing], [1, ['nobody']])
    assert.equal((await operate('dlq', 'discard', '--queue', dlq)).code, 2)
    assert.equal((await listAll()).json.total, small + large - 1)
    const rest = await operate('dlq', 'discard', '--queue', dlq, '--yes')
    assert.deepEqual([rest.code, rest.json.letters.length], [0, small + large - 1])
    assert.deepEqual(await operate('reconcile'), { code: 0, json: { findings: [] } })
  })
})
