import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { isPending, type OrderStatus } from '#contracts/order-states.ts'
import { call, insist, type Reply } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { expectProblem } from '#testing/problem.ts'
import { useStack } from '#testing/shared-stack.ts'

interface Stage {
  stage: string
  at: string
}

describe('the HTTP interface, through the gateway', function () {
  this.timeout(120_000)
  const stack = useStack()
  const get = (path: string) => call(stack.gateway, 'GET', path)
  const post = (path: string, body?: unknown, headers: Record<string, string> = {}) =>
    call(stack.gateway, 'POST', path, { body, headers })
  const newUser = async (balance?: string) => {
    const user_id = `u-${randomUUID()}`
    await insist(stack.gateway, '/accounts', { user_id })
    if (balance) await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount: balance })
    return user_id
  }
  const finalStatus = (orderId: unknown) =>
    eventually(async () => {
      const { body } = await get(`/orders/${orderId}`)
      return isPending(body.status as OrderStatus) ? undefined : body.status
    })

  describe('an order', () => {
    it('is accepted as pending, at an address of its own, and becomes PAID', async () => {
      const user_id = await newUser('20.00')
      const placed = await post('/orders', { user_id, amount: 12.5 })
      assert.equal(placed.status, 201)
      const { order_id, created_at, ...rest } = placed.body
      assert.equal(placed.headers.get('location'), `/orders/${order_id}`)
      const pending = {
        user_id,
        amount: '12.50',
        status: 'PAYMENT_PENDING',
        updated_at: created_at,
      }
      assert.deepEqual(rest, pending)
      assert.match(String(created_at), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)

      assert.equal(await finalStatus(order_id), 'PAID')
      const account = await get(`/accounts/${user_id}`)
      assert.equal(account.body.balance, '7.50')
      assert.equal(account.body.version, 2)
      const { items = [] } = (await get(`/accounts/${user_id}/ledger`)).body
      assert.deepEqual(
        items.map(({ type, amount, status, order_id }) => [type, amount, status, order_id]),
        [
          ['DEBIT', '12.50', 'SUCCESS', order_id],
          ['TOPUP', '20.00', 'SUCCESS', null],
        ],
      )
    })

    it('becomes PAYMENT_FAILED without enough money, and without an account', async () => {
      const poor = await post('/orders', { user_id: await newUser('5.00'), amount: '5.01' })
      const nobody = await post('/orders', { user_id: `nobody-${randomUUID()}`, amount: '1' })
      assert.equal(await finalStatus(poor.body.order_id), 'PAYMENT_FAILED')
      assert.equal(await finalStatus(nobody.body.order_id), 'PAYMENT_FAILED')
      const reasonOf = async ({ body }: Reply) =>
        (await get(`/orders/${body.order_id}`)).body.failure_reason
      assert.deepEqual(
        [await reasonOf(poor), await reasonOf(nobody)],
        ['INSUFFICIENT_FUNDS', 'ACCOUNT_NOT_FOUND'],
      )
    })

    it('has a timeline from its acceptance to its end, never decreasing', async () => {
      const placed = await post('/orders', { user_id: await newUser('5.00'), amount: '5.00' })
      const { order_id, created_at } = placed.body
      const pending = (await get(`/orders/${order_id}/timeline`)).body
      assert.deepEqual((pending.stages as Stage[])[0], { stage: 'accepted', at: created_at })
      await finalStatus(order_id)
      const { body } = await get(`/orders/${order_id}/timeline`)
      assert.equal(body.order_id, order_id)
      const stages = body.stages as Stage[]
      assert.deepEqual(
        stages.map(({ stage }) => stage),
        ['accepted', 'relayed', 'received', 'charged', 'reply_relayed', 'settled'],
      )
      const times = stages.map(({ at }) => at)
      assert.deepEqual(times, times.toSorted())
      assert.ok(times.every((at) => /T\d\d:\d\d:\d\d\.\d{3}Z$/.test(at)))
    })

    it('has no timeline under a malformed or unknown id', async () => {
      expectProblem(await get(`/orders/${randomUUID()}/timeline`), 404)
      expectProblem(await get('/orders/x/timeline'), 404)
      expectProblem(await post(`/orders/${randomUUID()}/timeline`), 405)
    })

    it('keeps the largest amount exact to the cent', async () => {
      const user_id = await newUser('9999999999999999.99')
      const placed = await post('/orders', `{"user_id":"${user_id}","amount":9999999999999999.99}`)
      assert.equal(placed.body.amount, '9999999999999999.99')
      assert.equal(await finalStatus(placed.body.order_id), 'PAID')
      assert.equal((await get(`/accounts/${user_id}`)).body.balance, '0.00')
    })

    it('is listed for its user, newest first, page by page', async () => {
      const user_id = await newUser('3.00')
      const ids: unknown[] = []
      for (const amount of ['1.00', '1.00', '1.00', '99.00', '99.00']) {
        const { body } = await post('/orders', { user_id, amount })
        await finalStatus(body.order_id)
        ids.unshift(body.order_id)
      }
      const first = await get(`/orders?user_id=${user_id}&limit=2`)
      const second = await get(
        `/orders?user_id=${user_id}&limit=2&cursor=${first.body.next_cursor}`,
      )
      const third = await get(
        `/orders?user_id=${user_id}&limit=2&cursor=${second.body.next_cursor}`,
      )
      const pages = [first, second, third].flatMap(({ body }) => body.items ?? [])
      assert.deepEqual(
        pages.map(({ order_id }) => order_id),
        ids,
      )
      assert.equal(third.body.next_cursor, null)
      const failed = await get(`/orders?user_id=${user_id}&status=PAYMENT_FAILED`)
      assert.deepEqual(
        failed.body.items?.map(({ order_id }) => order_id),
        ids.slice(0, 2),
      )
    })
  })

  describe('an account', () => {
    it('is created once', async () => {
      const user_id = `u-${randomUUID()}`
      const created = await post('/accounts', { user_id })
      assert.equal(created.status, 201)
      const { created_at, ...rest } = created.body
      assert.deepEqual(rest, { user_id, balance: '0.00', version: 0 })
      assert.ok(created_at)
      expectProblem(await post('/accounts', { user_id }), 409)
      expectProblem(await get(`/accounts/u-${randomUUID()}`), 404)
      expectProblem(await post(`/accounts/u-${randomUUID()}/topup`, { amount: '1' }), 404)
      expectProblem(await get(`/accounts/u-${randomUUID()}/ledger`), 404)
    })

    it('holds 9999999999999999.99 and not a cent more', async () => {
      const user_id = await newUser('9999999999999999.98')
      assert.equal((await post(`/accounts/${user_id}/topup`, { amount: '0.01' })).status, 200)
      expectProblem(await post(`/accounts/${user_id}/topup`, { amount: '0.01' }), 422)
    })
  })

  describe('Idempotency-Key', () => {
    it('repeats the answer of all three POSTs, with one effect', async () => {
      const user_id = `u-${randomUUID()}`
      const key = { 'idempotency-key': randomUUID() }
      for (const [path, body] of [
        ['/accounts', { user_id }],
        [`/accounts/${user_id}/topup`, { amount: '10.00' }],
        ['/orders', { user_id, amount: '4.00' }],
      ] as const) {
        const first = await post(path, body, key)
        const quoted = { 'idempotency-key': `"${key['idempotency-key']}"` }
        const again = await post(path, body, quoted)
        assert.equal(again.headers.get('idempotent-replayed'), 'true')
        assert.equal(first.headers.get('idempotent-replayed'), null)
        assert.deepEqual([again.status, again.body], [first.status, first.body])
        assert.equal(again.headers.get('location'), first.headers.get('location'))
      }
      const turned = await post('/orders', { amount: '4.00', user_id }, key)
      assert.equal(turned.headers.get('idempotent-replayed'), 'true')
      const same = await post(`/accounts/${user_id}/topup`, '{"amount":10}', key)
      assert.equal(same.headers.get('idempotent-replayed'), 'true')
      expectProblem(await post(`/accounts/${user_id}/topup`, { amount: '10.01' }, key), 422)
      assert.equal((await get(`/orders?user_id=${user_id}`)).body.items?.length, 1)
    })

    it('has one effect when 50 requests come at once', async () => {
      const user_id = await newUser()
      const key = { 'idempotency-key': 'once' }
      const topUp = () => post(`/accounts/${user_id}/topup`, { amount: '1.00' }, key)
      const replies = await Promise.all(Array.from({ length: 50 }, topUp))
      for (const { status } of replies) assert.ok([200, 409].includes(status), `${status}`)
      assert.equal((await get(`/accounts/${user_id}`)).body.balance, '1.00')
      assert.equal((await topUp()).headers.get('idempotent-replayed'), 'true')
    })

    it('is free again after a refusal, and belongs to one user', async () => {
      const user_id = `u-${randomUUID()}`
      const key = { 'idempotency-key': 'k' }
      expectProblem(await post(`/accounts/${user_id}/topup`, { amount: '1.00' }, key), 404)
      await post('/accounts', { user_id })
      assert.equal((await post(`/accounts/${user_id}/topup`, { amount: '1.00' }, key)).status, 200)
      const other = await newUser()
      const theirs = await post(`/accounts/${other}/topup`, { amount: '2.00' }, key)
      assert.equal(theirs.body.balance, '2.00')
    })

    for (const bad of ['', '""', `"open`, 'x'.repeat(256), 'caf\u00e9', 'tab\there']) {
      it(`is refused as ${JSON.stringify(bad.slice(0, 20))}`, async () => {
        const headers = { 'idempotency-key': bad }
        expectProblem(await post('/orders', { user_id: 'a', amount: '1' }, headers), 400)
      })
    }
  })

  describe('bad input', () => {
    const order = (fields: string) => `{"user_id":"alice",${fields}}`

    for (const [what, body] of [
      ['nothing', ''],
      ['half an object', '{"user_id":'],
      ['a comment', '{/* */}'],
      ['NaN', order('"amount":NaN')],
      ['a byte order mark', `\ufeff${order('"amount":"1"')}`],
      ['a key twice', order('"amount":"1","amount":"2"')],
      ['a key twice with one value', order('"amount":"1","amount":"1"')],
      ['a key twice, once escaped', order('"amount":"1","\\u0061mount":"1"')],
      ['trailing text', `${order('"amount":"1"')}x`],
      ['nesting without end', '['.repeat(30_000)],
    ] as const) {
      it(`refuses ${what} with 400`, async () => expectProblem(await post('/orders', body), 400))
    }

    for (const amount of [
      '0',
      '"0"',
      '"0.00"',
      '-1',
      '"-1"',
      '"-0"',
      '"12.345"',
      '1.000',
      '1e1',
      '1E1',
      '1e400',
      '".5"',
      '"5."',
      '"+5"',
      '"007"',
      '""',
      '" 1"',
      '"1 "',
      '"1,000.00"',
      '"NaN"',
      '"Infinity"',
      '"0x10"',
      '"١٢"',
      'null',
      'true',
      '[]',
      '{}',
      '"10000000000000000"',
      '10000000000000000.00',
      '"1\\n"',
    ]) {
      it(`refuses the amount ${amount} with 422`, async () => {
        const { errors } = expectProblem(await post('/orders', order(`"amount":${amount}`)), 422)
        assert.deepEqual(
          errors?.map(({ pointer }) => pointer),
          ['/amount'],
        )
        expectProblem(await post('/accounts/alice/topup', `{"amount":${amount}}`), 422)
      })
    }

    for (const user_id of [
      '""',
      '" a"',
      '"-a"',
      '"a b"',
      '"a/b"',
      `"${'a'.repeat(129)}"`,
      '5',
      'null',
      '"a\\u0000"',
    ]) {
      it(`refuses the user_id ${user_id.slice(0, 12)} with 422`, async () => {
        const body = `{"user_id":${user_id},"amount":"1"}`
        const { errors } = expectProblem(await post('/orders', body), 422)
        assert.deepEqual(
          errors?.map(({ pointer }) => pointer),
          ['/user_id'],
        )
      })
    }

    it('names every fault of a body, unknown fields too', async () => {
      const { errors } = expectProblem(
        await post('/orders', '{"status":"PAID","__proto__":1}'),
        422,
      )
      const pointers = errors?.map(({ pointer }) => pointer).sort()
      assert.deepEqual(pointers, ['/__proto__', '/amount', '/status', '/user_id'])
      for (const body of ['[]', 'null', '"x"', '1']) expectProblem(await post('/orders', body), 422)
    })

    it('refuses a query that is not as it should be with 422', async () => {
      for (const query of [
        '',
        'user_id=',
        'user_id=a&limit=0',
        'user_id=a&limit=101',
        'user_id=a&limit=1.5',
        'user_id=a&limit=x',
        'user_id=a&status=LOST',
        'user_id=a&cursor=xyz',
        'user_id=a&user_id=b',
        'user_id=a&colour=red',
      ]) {
        const { errors } = expectProblem(await get(`/orders?${query}`), 422)
        assert.equal(errors?.length, 1, query)
      }
      expectProblem(await get('/accounts/alice-without-account/ledger?cursor=x'), 422)
    })

    it('refuses a body over 64 KiB with 413, and takes one of 64 KiB', async () => {
      const padded = (bytes: number) => {
        const body = order('"amount":"1"')
        return body + ' '.repeat(bytes - body.length)
      }
      assert.equal((await post('/orders', padded(65_536))).status, 201)
      expectProblem(await post('/orders', padded(65_537)), 413)
      expectProblem(await post('/orders', padded(1_000_000)), 413)
    })

    it('answers a body that is wrong in thousands of ways briefly', async () => {
      const keys = Array.from({ length: 6_000 }, (_, index) => `"${index}":0`)
      const reply = await post('/orders', `{${keys.join()}}`)
      const { errors } = expectProblem(reply, 422)
      assert.deepEqual([errors?.length, reply.body.more_errors], [20, 5_982])
      assert.ok(JSON.stringify(reply.body).length < 5_000)
    })

    it('refuses another content type with 415', async () => {
      const body = order('"amount":"1"')
      for (const headers of [
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/x-www-form-urlencoded' },
        { 'content-type': 'application/json; charset=utf-16' },
        { 'content-encoding': 'gzip' },
      ]) {
        expectProblem(await post('/orders', body, headers as Record<string, string>), 415)
      }
    })

    it('knows no other addresses, and no malformed ids: 404', async () => {
      for (const path of [
        '/nothing',
        '/order',
        '/orders/x',
        `/orders/${randomUUID()}`,
        `/orders/${randomUUID().toUpperCase()}`,
        '/accounts/-a',
        '/accounts/a%20b',
        '/livez',
        '/readyz',
        '/metrics',
        '/orders/../livez',
        '/accounts/a/nothing',
        '/orders%2Fx',
      ]) {
        expectProblem(await get(path), 404)
      }
    })

    it('answers a wrong method with 405 and Allow', async () => {
      for (const [method, path, allow] of [
        ['DELETE', '/orders', /GET.*POST|POST.*GET/],
        ['PUT', `/orders/${randomUUID()}`, /GET/],
        ['PATCH', '/accounts', /POST/],
        ['GET', '/accounts/alice/topup', /POST/],
        ['POST', '/healthz', /GET/],
        ['POST', '/', /GET/],
      ] as const) {
        const reply = await call(stack.gateway, method, path)
        expectProblem(reply, 405)
        assert.match(reply.headers.get('allow') ?? '', allow, `${method} ${path}`)
      }
    })

    it('answers what it cannot read, or does not know, with a problem', async () => {
      expectProblem(await call(stack.gateway, 'FOO', '/orders'), 405)
      const headers = Object.fromEntries([1, 2, 3, 4].map((n) => [`x-${n}`, 'x'.repeat(7_000)]))
      expectProblem(await call(stack.gateway, 'GET', '/accounts/-', { headers }), 404)
      const long = { 'x-long': 'x'.repeat(9_000) }
      expectProblem(await call(stack.gateway, 'GET', '/accounts/-', { headers: long }), 431)
      expectProblem(await get('/orders/%ZZ'), 400)
      expectProblem(await get('/accounts/a%00b/ledger'), 400)
    })

    it('keeps the request id of the caller, and makes one otherwise', async () => {
      const own = await call(stack.gateway, 'GET', '/orders/x', {
        headers: { 'x-request-id': 'my-1' },
      })
      assert.equal(own.headers.get('x-request-id'), 'my-1')
      assert.equal(own.body.instance, 'my-1')
      const made = await get('/nothing')
      assert.equal(made.headers.get('x-request-id'), made.body.instance)
    })

    it('refuses two Idempotency-Keys', async () => {
      const status = await new Promise((resolve, reject) => {
        const { hostname, port } = new URL(stack.gateway)
        const headers = { 'content-type': 'application/json', 'idempotency-key': ['a', 'b'] }
        const sent = request({ hostname, port, path: '/orders', method: 'POST', headers })
        sent.on('response', (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        sent.on('error', reject)
        sent.end(order('"amount":"1"'))
      })
      assert.equal(status, 400)
    })
  })

  it('serves the page and its own health', async () => {
    assert.deepEqual((await get('/healthz')).body, { status: 'ok' })
    const page = await fetch(stack.gateway)
    assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'/)
    assert.match(await page.text(), /<script type="module" src=/)
  })
})
