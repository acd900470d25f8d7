import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { call, insist } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { useStack } from '#testing/shared-stack.ts'

describe('the documentation', function () {
  this.timeout(120_000)
  const stack = useStack()

  it('has a curl session that works as pasted, twice', async () => {
    const [, session] = /<!-- tested: curl -->\n```sh\n([\s\S]*?)```/.exec(read('README.md')) ?? []
    assert.ok(session)
    const script = session
      .replace('http://localhost:8080', stack.gateway)
      .replaceAll('alice', `reader-${randomUUID()}`)
    const first = await paste(script)
    assert.match(first, /"status":"PAID"/)
    assert.match(first, /"balance":"7.50"/)
    assert.match(first, /"type":"DEBIT".*"type":"TOPUP"/)
    const second = await paste(script)
    assert.match(second, /"status":409/)
    assert.match(second, /"status":"PAYMENT_FAILED"/)
    assert.match(second, /"balance":"7.50"/)
  })

  it('has experiments that end every order once, each command as pasted', async () => {
    const experiments = [
      ...read('README.md').matchAll(/<!-- tested: experiment -->\n```sh\n([\s\S]*?)```/g),
    ].map(([, script = '']) => script.replaceAll('.local', stack.dir))
    assert.equal(experiments.length, 6)
    const user_id = `killer-${randomUUID()}`
    await insist(stack.gateway, '/accounts', { user_id })
    await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount: '99.00' })
    const place = () => insist(stack.gateway, '/orders', { user_id, amount: '1.00' })
    for (const script of experiments) {
      const placing = [place(), place(), place()]
      await eventually(async () => (await paste(script)) === '') // what it kills may just be starting
      await Promise.all([...placing, place()])
    }
    const accountOf = async () => (await call(stack.gateway, 'GET', `/accounts/${user_id}`)).body
    const ordersOf = async () =>
      (await call(stack.gateway, 'GET', `/orders?user_id=${user_id}&limit=100`)).body.items ?? []
    const isPaid = ({ status }: Record<string, unknown>) => status === 'PAID'
    await eventually(async () => (await ordersOf()).filter(isPaid).length === 24, {
      timeoutMs: 90_000,
    })
    assert.equal((await accountOf()).balance, '75.00')
    assert.equal((await ordersOf()).length, 24)

    const [, reconcile = ''] = /Whatever you did: `([^`]+)`/.exec(read('README.md')) ?? []
    const reconciled = await paste(`LOCAL_DIR=${stack.dir} ${reconcile} --json || true`)
    const { findings } = JSON.parse(reconciled.slice(reconciled.indexOf('\n{'))) // below what npm says
    assert.ok(!JSON.stringify(findings).includes(user_id)) // other tests break promises on purpose
  })

  it('has a program for the client that runs as pasted', async () => {
    const [, program] =
      /<!-- tested: client -->\n```ts\n([\s\S]*?)```/.exec(read('docs/integration.md')) ?? []
    assert.ok(program)
    const text = program
      .replace('./client/client.ts', resolve('client/client.ts'))
      .replace('http://localhost:8080', stack.gateway)
      .replaceAll('carol', `reader-${randomUUID()}`)
    const node = [process.execPath, ['--input-type=module-typescript', '--eval', text]] as const
    const { stdout } = await promisify(execFile)(...node, { timeout: 20_000 })
    assert.equal(stdout.trim().split('\n').at(-1), 'PAID')
  })

  const read = (path: string) => readFileSync(path, 'utf8')

  const paste = async (script: string) =>
    (await promisify(execFile)('bash', ['-c', script], { timeout: 20_000 })).stdout
})
