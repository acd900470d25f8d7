import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { isPending } from '#contracts/order-states.ts'
import { processNames } from '#local/stack/ports.ts'
import { until } from '#local/supervisor/waiting.ts'
import { pendingList } from '#tables/orders.ts'
import { signedAmount } from '#tables/payments.ts'
import { insist } from '#testing/client.ts'
import { lines, openProject, type Project } from './project.ts'

/** With two replicas of each process. Needs a Docker engine. */
const replicas = 2
const minutes = 60_000

/** Ten users with 20 orders of 10.00 each. What they own decides how many of them are paid. */
const ordersEach = 20
const users = [
  ...Array.from({ length: 7 }, () => ({ topUp: '1000.00', paid: 20, left: '800.00' })),
  ...Array.from({ length: 2 }, () => ({ topUp: '95', paid: 9, left: '5.00' })),
  { topUp: undefined, paid: 0, left: undefined },
].map((user, index) => ({ ...user, id: `user-${index}` }))
const ordersTotal = users.length * ordersEach
const paidTotal = users.reduce((sum, { paid }) => sum + paid, 0)

interface Order {
  order_id: string
  user_id: string
  status: string
}

describe('docker compose', function () {
  this.timeout(2 * minutes)

  let project: Project
  let gateway = ''

  before(async function () {
    this.timeout(15 * minutes)
    project = await openProject()
    gateway = project.gateway
    await project.up(replicas)
  })

  after(async function () {
    this.timeout(3 * minutes)
    await project?.[Symbol.asyncDispose]()
  })

  it('runs two replicas of each process, all healthy, after the migrations', async () => {
    const containers = await project.containers()
    for (const name of processNames) {
      const found = containers.filter(
        ({ Service, State }) => Service === name && State === 'running',
      )
      assert.equal(found.length, replicas, name)
    }
    const migrations = containers.find(({ Service }) => Service === 'migrations')
    assert.deepEqual([migrations?.State, migrations?.ExitCode], ['exited', 0])
  })

  it('publishes the gateway and the page of RabbitMQ on this machine, and nothing else', async () => {
    const published = (await project.containers()).flatMap(({ Service, Publishers }) =>
      (Publishers ?? [])
        .filter(({ PublishedPort }) => PublishedPort > 0)
        .map(({ URL, PublishedPort, TargetPort }) => [Service, URL, PublishedPort, TargetPort]),
    )
    assert.deepEqual(published.sort(), [
      ['gateway', '127.0.0.1', project.gatewayPort, 8080],
      ['rabbitmq', '127.0.0.1', project.managementPort, 15672],
    ])
  })

  it('runs nothing as root, with capabilities, or on a file system it can change', async () => {
    const running = (await project.containers()).filter(({ State }) => State === 'running')
    const script =
      'id -u; grep CapEff /proc/1/status; touch /usr/x 2>/dev/null && echo writable; true'
    for (const { Name } of running) {
      const [uid, capabilities, writable] = lines(
        await project.docker('exec', Name, 'sh', '-c', script),
      )
      assert.notEqual(uid, '0', Name)
      assert.match(capabilities ?? '', /:\s*0+$/, Name)
      assert.equal(writable, undefined, Name)
    }
  })

  it('brings neither tests nor development tools into the image', async () => {
    const ours =
      "find . -path ./node_modules -prune -o -name '*.test.ts' -print -o -name '.env*' -print"
    const script = `${ours}; ls -d tests local bench node_modules/mocha 2>/dev/null; true`
    assert.equal(await project.compose('exec', '-T', 'orders-api', 'sh', '-c', script), '')
  })

  it('shows through the gateway what it should, and keeps the rest inside', async () => {
    assert.deepEqual(await (await fetch(`${gateway}/healthz`)).json(), { status: 'ok' })
    const page = await fetch(gateway)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/)
    const [, src = ''] = /<script type="module" src="([^"]+)">/.exec(await page.text()) ?? []
    const script = await fetch(new URL(src, page.url))
    assert.deepEqual(
      [script.status, script.headers.get('content-type')],
      [200, 'text/javascript; charset=utf-8'],
    )

    for (const path of ['/docs/', '/docs/swagger-ui-bundle.js', '/openapi/orders.json']) {
      assert.equal((await fetch(gateway + path)).status, 200, path)
    }
    for (const path of ['/livez', '/readyz', '/metrics', '/frontend.conf.template', '//orders']) {
      const answer = await fetch(gateway + path)
      assert.equal(answer.status, 404, path)
      assert.equal(answer.headers.get('content-type'), 'application/problem+json', path)
    }
    const tooLarge = await post('/orders', { user_id: 'x'.repeat(70_000), amount: '1' })
    assert.equal(tooLarge.status, 413)
    assert.equal((await tooLarge.json()).instance, tooLarge.headers.get('x-request-id'))
  })

  it('decides 200 orders, and tells each subscriber how they ended', async () => {
    for (const { id, topUp } of users.filter((user) => user.topUp !== undefined)) {
      assert.equal((await post('/accounts', { user_id: id })).status, 201)
      assert.equal((await post(`/accounts/${id}/topup`, { amount: topUp })).status, 200)
    }
    const subscribers = await Promise.all(users.map(({ id }) => subscribe(id)))
    const placed = await Promise.all(users.flatMap(({ id }) => placeOrders(id)))
    assert.equal(new Set(placed.map(({ order_id }) => order_id)).size, ordersTotal)

    const told = () => subscribers.flatMap(({ finals }) => finals)
    await until(() => told().length >= ordersTotal, { timeoutMs: minutes })
    for (const { socket } of subscribers) socket.close()

    assert.deepEqual(
      told()
        .map(({ order_id }) => order_id)
        .sort(),
      placed.map(({ order_id }) => order_id).sort(),
    )
    for (const { id, paid, left } of users) {
      const { items } = await read<{ items: Order[] }>(`/orders?user_id=${id}&limit=100`)
      assert.equal(items.filter(({ status }) => status === 'PAID').length, paid, id)
      assert.equal(
        items.filter(({ status }) => status === 'PAYMENT_FAILED').length,
        ordersEach - paid,
      )
      if (left === undefined) continue
      assert.equal((await read<{ balance: string }>(`/accounts/${id}`)).balance, left, id)
    }
  })

  it('gives the same order for the same Idempotency-Key, whichever replica answers', async () => {
    const key = randomUUID()
    const body = { user_id: 'user-0', amount: '1.00' }
    const answers = await Promise.all(Array.from({ length: 8 }, () => post('/orders', body, key)))
    // A try that meets the first one at work is told so, and comes again.
    const last = await post('/orders', body, key)
    const ids = [last, ...answers.filter(({ status }) => status === 201)].map(
      async (answer) => ((await answer.json()) as Order).order_id,
    )
    assert.equal(new Set(await Promise.all(ids)).size, 1)
    assert.equal(last.headers.get('idempotent-replayed'), 'true')
  })

  it('leaves databases that agree, and nothing on the way', async () => {
    const owed = 'select count(*) from outbox where published_at is null'
    const pending = `select count(*) from orders where status in (${pendingList})`
    const isDone = async () =>
      (await sql('orders_db', `select (${owed}) + (${pending})`)) === '0' &&
      (await sql('payments_db', owed)) === '0' &&
      (await queueDepths()).every(([, depth]) => depth === 0)
    assert.ok(await until(isDone, { timeoutMs: minutes, everyMs: 500 }), 'something is still owed')

    const wrongBalances = `select count(*) from accounts a where balance <> (
      select coalesce(sum(${signedAmount}), 0)
      from ledger l where l.user_id = a.user_id and l.status = 'SUCCESS')`
    assert.equal(await sql('payments_db', wrongBalances), '0')
    const decidedTwice = `select count(*) from (
      select order_id from ledger where type = 'DEBIT' group by order_id having count(*) > 1) twice`
    assert.equal(await sql('payments_db', decidedTwice), '0')

    const debits = `select order_id, user_id, amount, status = 'SUCCESS' from ledger
      where type = 'DEBIT' order by order_id`
    const orders = `select order_id, user_id, amount, status = 'PAID' from orders order by order_id`
    const settled = await sql('orders_db', orders)
    assert.equal(settled, await sql('payments_db', debits))
    assert.equal(lines(settled).length, ordersTotal + 1)
    assert.equal(lines(settled).filter((line) => line.endsWith('|t')).length, paidTotal + 1)
  })

  it('has no dead letters', async () => {
    const depths = new Map(await queueDepths())
    for (const name of ['orders-consumer', 'payments-consumer']) {
      assert.equal(depths.get(name), 0, name)
      assert.equal(depths.get(`${name}.dlq`), 0, `${name}.dlq`)
    }
  })

  it('goes on without an error to read when a replica of an API dies', async () => {
    const victim =
      (await project.containers()).find(({ Service }) => Service === 'orders-api')?.Name ?? ''
    const read = async () => (await fetch(`${gateway}/orders?user_id=user-0`)).status
    const readers = Array.from({ length: 5 }, async () => {
      const statuses: number[] = []
      for (let turn = 0; turn < 40; turn++) statuses.push(await read())
      return statuses
    })
    await project.docker('kill', victim)
    assert.deepEqual([...new Set((await Promise.all(readers)).flat())], [200])
  })

  async function sql(database: string, query: string): Promise<string> {
    const client = ['psql', '--username', 'postgres', '--no-align', '--tuples-only']
    return project.compose(
      'exec',
      '-T',
      'postgres',
      ...client,
      '--dbname',
      database,
      '--command',
      query,
    )
  }

  async function queueDepths(): Promise<[name: string, depth: number][]> {
    const command = ['rabbitmqctl', '--quiet', '--no-table-headers', 'list_queues']
    const output = await project.compose('exec', '-T', 'rabbitmq', ...command, 'name', 'messages')
    return lines(output).map((line) => {
      const [name, depth] = line.split(/\s+/)
      return [name ?? '', Number(depth)]
    })
  }

  async function read<T>(path: string): Promise<T> {
    const answer = await fetch(gateway + path)
    assert.equal(answer.status, 200, path)
    return (await answer.json()) as T
  }

  async function post(path: string, body: object, key: string = randomUUID()): Promise<Response> {
    return fetch(gateway + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': key },
      body: JSON.stringify(body),
    })
  }

  /** Where too much is asked at once, the answer is 503: then again, with the same key. */
  function placeOrders(userId: string): Promise<Order>[] {
    return Array.from({ length: ordersEach }, async () => {
      const { status, body } = await insist(gateway, '/orders', {
        user_id: userId,
        amount: '10.00',
      })
      assert.equal(status, 201)
      return body as unknown as Order
    })
  }

  /** Collects how the orders of a user end, as the WebSocket tells it. */
  async function subscribe(userId: string): Promise<{ socket: WebSocket; finals: Order[] }> {
    const socket = new WebSocket(
      `ws://127.0.0.1:${project.gatewayPort}/orders/ws?user_id=${userId}`,
    )
    const finals: Order[] = []
    socket.addEventListener('message', ({ data }) => {
      const message = JSON.parse(String(data))
      if (message.type === 'order' && !isPending(message.status)) finals.push(message)
    })
    await new Promise((done, failed) => {
      socket.addEventListener('open', done, { once: true })
      socket.addEventListener('error', failed, { once: true })
    })
    return { socket, finals }
  }
})
