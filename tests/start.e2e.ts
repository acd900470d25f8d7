import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { processNames } from '#local/stack/ports.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { call, insist } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { freePortBase, freePorts } from '#testing/free-ports.ts'
import { startPostgres } from '#testing/private-servers.ts'
import { rabbitmqServer } from '#testing/servers.ts'
import { startStack } from '#testing/stack.ts'

describe('npm start', function () {
  this.timeout(120_000)

  it('restarts whatever dies, leaves no process behind, and goes on with the same data', async () => {
    const first = await startStack({ keepState: true })
    await insist(first.gateway, '/accounts', { user_id: 'alice' })
    await insist(first.gateway, '/accounts/alice/topup', { amount: '10.00' })

    const victims = [...processNames, 'nginx', 'postgres', 'rabbitmq']
    const killed = victims.map((name) => [name, first.pidOf(name)] as const)
    for (const [, pid] of killed) process.kill(pid, 'SIGKILL')
    for (const [name, pid] of killed) {
      await eventually(() => first.pidOf(name) !== pid, { timeoutMs: 60_000 })
    }
    await eventually(() => placeAndPay(first.gateway), { timeoutMs: 60_000 })
    assert.equal(await first.stop(), 0)
    assert.deepEqual(await processesOf(first.dir), [])

    const second = await startStack({ dir: first.dir, keepState: true })
    const { body } = await call(second.gateway, 'GET', '/accounts/alice')
    assert.notEqual(body.balance, '10.00')
    assert.ok(await placeAndPay(second.gateway))
    assert.equal(await second.stop(), 0)
    assert.deepEqual(await processesOf(first.dir), [])

    const reset = spawn('npm', ['run', 'reset'], { env: { ...process.env, LOCAL_DIR: first.dir } })
    assert.deepEqual(await once(reset, 'close'), [0, null])
    assert.ok(!existsSync(first.dir))
  })

  it('and the operator do not heed what the shell says of another PostgreSQL', async () => {
    const env = {
      PGHOST: 'elsewhere.invalid',
      PGOPTIONS: '-c DateStyle=German -c default_transaction_read_only=on',
      PGPORT: '1',
      PGSSLMODE: 'require',
      PGUSER: 'somebody',
    }
    const stack = await startStack({ env })
    await insist(stack.gateway, '/accounts', { user_id: 'alice' })
    await insist(stack.gateway, '/accounts/alice/topup', { amount: '10.00' })
    assert.ok(await placeAndPay(stack.gateway))
    const { stdout } = await promisify(execFile)(
      ...([process.execPath, ['operator/main.ts', 'reconcile', '--json']] as const),
      { env: { ...process.env, ...env, LOCAL_DIR: stack.dir } },
    )
    assert.deepEqual(JSON.parse(stdout), { findings: [] })
    assert.equal(await stack.stop(), 0)
  })

  it('names every server of its environment that is not there', async () => {
    const nowhere = '127.0.0.1:1'
    const starting = startStack({
      env: {
        AMQP_URL: `amqp://${nowhere}`,
        ORDERS_DATABASE_URL: `postgres://${nowhere}/orders_db`,
      },
    })
    await assert.rejects(
      starting,
      /AMQP_URL: no server answers[\s\S]*ORDERS_DATABASE_URL: no server answers/,
    )
  })

  it('says after some seconds what a process waits for, and why', async () => {
    const { address } = await rabbitmqServer()
    const dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
    const [gatewayPort] = await freePorts(1)
    const child = spawn(process.execPath, ['local/stack/main.ts'], {
      env: {
        ...process.env,
        LOCAL_DIR: dir,
        LOCAL_PORT_BASE: String(await freePortBase()),
        GATEWAY_PORT: String(gatewayPort),
        AMQP_URL: `amqp://nobody:wrong@${address}`,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (chunk) => {
      said += chunk
    })
    for (const waits of [
      /^payments-relay +waits +\d+\.\d s +for broker; .*ACCESS.REFUSED/m,
      /^orders-consumer +waits .*queue/m,
    ]) {
      await eventually(() => waits.test(said), { timeoutMs: 60_000 })
    }
    child.kill('SIGTERM')
    assert.deepEqual(await once(child, 'exit'), [0, null])
    await removeState(dir)
  })

  it('names every busy port and its variable before it starts anything', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const starting = startStack({ env: { GATEWAY_PORT: String(port) } })
    await assert.rejects(starting, new RegExp(`${port}[\\s\\S]*GATEWAY_PORT`))
    server.close()
  })

  /** An order that becomes final; undefined while the stack is recovering. */
  async function placeAndPay(gateway: string): Promise<boolean> {
    const { body } = await insist(gateway, '/orders', { user_id: 'alice', amount: '0.01' })
    const order = () => call(gateway, 'GET', `/orders/${body.order_id}`)
    return eventually(async () => (await order()).body.status === 'PAID')
  }
})

describe('a process', function () {
  this.timeout(120_000)

  for (const name of processNames) {
    it(`${name} lists every fault of its environment and exits with 78`, async () => {
      const { code, stderr } = await runProcess(name, {
        PORT: 'http',
        LOG_LEVEL: 'loud',
        AUTH_MODE: 'ldap',
        ORDERS_DATABASE_URL: 'mysql://root:secret@localhost',
        PAYMENTS_DATABASE_URL: '',
      })
      assert.equal(code, 78)
      const database = name.startsWith('orders')
        ? 'ORDERS_DATABASE_URL must be'
        : 'PAYMENTS_DATABASE_URL is missing'
      for (const fault of [
        'Cannot start',
        'PORT must',
        'LOG_LEVEL must',
        'AUTH_MODE must',
        database,
      ]) {
        assert.ok(stderr.includes(fault), stderr)
      }
      if (!name.endsWith('api')) assert.ok(stderr.includes('AMQP_URL is missing'), stderr)
      assert.ok(!stderr.includes('secret'))
    })

    it(`${name} does not start in production with a default password and without tokens`, async () => {
      const url = 'postgres://postgres:postgres-for-development@127.0.0.1:1/db'
      const { code, stderr } = await runProcess(name, {
        ...{ NODE_ENV: 'production', PORT: '0', AMQP_URL: 'amqp://nobody@127.0.0.1:1' },
        ...{ ORDERS_DATABASE_URL: url, PAYMENTS_DATABASE_URL: url },
      })
      assert.equal(code, 78)
      assert.deepEqual(
        [...stderr.matchAll(/^ {2}.+ or INSECURE_ACCEPTED=(\S+) if this is meant$/gm)].map(
          ([, how]) => how,
        ),
        ['auth-off', 'default-passwords'],
      )
      assert.ok(!stderr.includes('for-development'))
    })

    it(`${name} starts before its servers, is alive but not ready, and stops when told`, async () => {
      const running = spawnProcess(name, {
        PORT: '0',
        ORDERS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/orders_db',
        PAYMENTS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/payments_db',
        AMQP_URL: 'amqp://nobody@127.0.0.1:1',
      })
      let output = ''
      running.stdout.on('data', (chunk) => {
        output += chunk
      })
      const port = await eventually(() => /"port":(\d+)/.exec(output)?.[1])
      assert.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200)
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`)
      assert.equal(ready.status, 503)
      assert.ok(((await ready.json()) as { failing: string[] }).failing.includes('database'))
      running.kill('SIGTERM')
      const [code] = await once(running, 'exit')
      assert.equal(code, 0)
    })
  }

  for (const name of ['orders-consumer', 'payments-consumer']) {
    it(`${name} refuses an inbox that forgets what may still arrive, with what that is, and exits with 78`, async () => {
      const { code, stderr } = await runProcess(name, {
        PORT: '0',
        ORDERS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/orders_db',
        PAYMENTS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/payments_db',
        AMQP_URL: 'amqp://nobody@127.0.0.1:1',
        OUTBOX_RETENTION_DAYS: '10',
        INBOX_RETENTION_DAYS: '10',
        PAYMENT_REQUEST_TIMEOUT_MS: '30000',
      })
      assert.equal(code, 78)
      assert.match(
        stderr,
        /^Cannot start:\n {2}INBOX_RETENTION_DAYS is too short.* It is 864,000 s/m,
      )
      assert.match(stderr, /^ {4}OUTBOX_RETENTION_DAYS makes it 864,000 s$/m)
      assert.match(stderr, /^ {4}CONSUMER_MAX_ATTEMPTS makes it 240 s$/m)
      const ofRetry = /^ {4}PAYMENT_REQUEST_TIMEOUT_MS makes it 900 s$/m
      assert.equal(ofRetry.test(stderr), name === 'orders-consumer')
    })
  }

  it('dies of an error that nobody expected, so that it is started again', async () => {
    const stray = "setTimeout(() => Promise.reject(new Error('nobody expected this')), 500)"
    const { code, stderr } = await runProcess('payments-consumer', {
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(stray)}`,
      PORT: '0',
      PAYMENTS_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/payments_db',
      AMQP_URL: 'amqp://nobody@127.0.0.1:1',
    })
    assert.equal(code, 1)
    assert.match(stderr, /nobody expected this/)
  })

  describe('on a database that may lose what it has confirmed', () => {
    let url = ''
    const settings = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }
    let stop = async () => {}
    before('start it', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
      chmodSync(dir, 0o711)
      const [port = 0] = await freePorts(1)
      const server = await startPostgres({ dir, port, databases: [], settings })
      url = server.url('postgres')
      stop = async () => {
        await server.stop()
        await removeState(dir)
      }
    })
    after('stop it', () => stop())

    for (const name of processNames) {
      it(`${name} says what is off and exits with 78`, async () => {
        const { code, stderr } = await runProcess(name, {
          PORT: '0',
          ORDERS_DATABASE_URL: url,
          PAYMENTS_DATABASE_URL: url,
          AMQP_URL: 'amqp://nobody@127.0.0.1:1',
        })
        assert.equal(code, 78)
        for (const setting of Object.keys(settings)) {
          assert.match(stderr, new RegExp(`^  PostgreSQL runs with ${setting} = off: .+$`, 'm'))
        }
      })
    }
  })

  function spawnProcess(name: string, env: NodeJS.ProcessEnv) {
    const options = { env: { PATH: process.env.PATH, ...env } }
    return spawn(process.execPath, [`${name}/main.ts`], options)
  }

  async function runProcess(name: string, env: NodeJS.ProcessEnv) {
    const child = spawnProcess(name, env)
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const [code] = await once(child, 'close')
    return { code, stderr }
  }
})

/** Processes that have this state folder in their environment or command line. */
async function processesOf(dir: string): Promise<string[]> {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8')
        return command.includes(dir) || environment.includes(dir) ? [`${pid} ${command}`] : []
      } catch {
        return [] // it has ended meanwhile
      }
    })
}
