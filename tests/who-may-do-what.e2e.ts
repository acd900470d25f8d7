import assert from 'node:assert/strict'
import { randomUUID, randomUUIDv7 } from 'node:crypto'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { WebSocket } from 'ws'
import { Client } from '#client/client.ts'
import { isPending } from '#contracts/order-states.ts'
import { badTokens } from '#testing/bad-tokens.ts'
import { call, checkedFetch, type Reply, type Request } from '#testing/client.ts'
import { assertDocumentedMessage } from '#testing/documented.ts'
import { eventually } from '#testing/eventually.ts'
import { audience, inSeconds, issuer, KeyServer, newKey, tokenOf } from '#testing/issuer.ts'
import { expectProblem } from '#testing/problem.ts'
import { type Stack, startStack } from '#testing/stack.ts'

interface Schema {
  $ref?: string
  properties?: Record<string, Schema>
  anyOf?: Schema[]
}
interface Operation {
  parameters: { name?: string; in?: string }[]
  requestBody?: {
    content: Record<string, { schema: Schema; examples: Record<string, { value: object }> }>
  }
}

const read = (name: string) => JSON.parse(readFileSync(`docs/generated/${name}.json`, 'utf8'))
const documents = ['openapi/orders', 'openapi/payments'].map(read)
const asyncApi = read('asyncapi')

/** The schema that a reference of a document means. */
const resolved = (document: object, { $ref, ...schema }: Schema): Schema =>
  $ref === undefined
    ? schema
    : ($ref.slice(2).split('/') as string[]).reduce<never>(
        (at, name) => at[name] as never,
        document as never,
      )

/** The places in a call where an id of a user or of an order goes. */
interface Route {
  name: string
  method: string
  path: string
  inPath: string[]
  inQuery: string[]
  inBody: string[]
  example: object | undefined
}

const isId = (name: string) => /_id$/.test(name)

/** Every call of both APIs, as the documents have them. */
const routes: Route[] = documents.flatMap((document) =>
  Object.entries<Record<string, Operation>>(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters, requestBody }]) => {
      const body = requestBody?.content['application/json']
      const names = (place: string) =>
        parameters.flatMap((one) =>
          one.in === place && isId(one.name ?? '') ? [one.name ?? ''] : [],
        )
      const { properties = {} } = body ? resolved(document, body.schema) : {}
      return {
        ...{ name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path },
        ...{ inPath: names('path'), inQuery: names('query') },
        inBody: Object.keys(properties).filter(isId),
        example: Object.values(body?.examples ?? {})[0]?.value,
      }
    }),
  ),
)

/** The requests of clients on the WebSocket: their types, and what each may name. */
const socketRequests = asyncApi.operations.followOrders.messages.flatMap(
  ({ $ref }: { $ref: string }) => {
    const name = $ref.split('/').at(-1) ?? ''
    const schema = resolved(asyncApi, { $ref: `#/components/schemas/${name}` })
    return (schema.anyOf ?? [schema]).map(({ properties = {} }) => ({
      type: name.toLowerCase(),
      ids: Object.keys(properties).filter(isId),
    }))
  },
) as { type: string; ids: string[] }[]
const socketQuery = Object.keys(asyncApi.channels.orderStatus.bindings.ws.query.properties)

/** Headers by which some gateways tell who calls. */
const identityHeaders = (user: string) =>
  Object.fromEntries(
    ['x-user-id', 'x-user', 'x-forwarded-user', 'x-auth-request-user', 'x-remote-user'].map(
      (name) => [name, user],
    ),
  )

describe('who may do what (AUTH_MODE=jwt), through the gateway', function () {
  this.timeout(180_000)
  const keys = new KeyServer()
  const key = newKey('first')
  const [alice, bob] = [`alice-${randomUUID()}`, `bob-${randomUUID()}`]
  const secrets: string[] = []
  const sockets: WebSocket[] = []
  let stack: Stack
  /** What belongs to Bob, by the name that documents give to such an id. */
  let ids: Record<string, string[]>
  let tokens: Record<'alice' | 'bob', string>
  const bobsKey = 'key-of-bob'

  before('start a stack, with an issuer', async () => {
    await keys.publish(key)
    await keys.start()
    stack = await startStack({
      env: {
        ...{ AUTH_MODE: 'jwt', JWT_JWKS_URL: keys.url, LOG_LEVEL: 'debug' },
        ...{ JWT_ISSUER: issuer, JWT_AUDIENCE: audience },
      },
    })
    tokens = { alice: await token(alice), bob: await token(bob) }
    for (const who of ['alice', 'bob'] as const) {
      const user_id = { alice, bob }[who]
      await as(tokens[who], 'POST', '/accounts', { body: { user_id } })
      await topUp(tokens[who], user_id, '5.00')
    }
    const orders = [await paid(tokens.bob, bob, '1.00'), await paid(tokens.bob, bob, '2.00')]
    await as(tokens.bob, 'POST', `/orders/${orders[0]}/refund`, keyed)
    ids = { user_id: [bob], order_id: orders }
  })
  after('stop', async () => {
    for (const socket of sockets) socket.terminate()
    await keys.close()
    await stack?.stop()
  })

  const keyed = { headers: { 'idempotency-key': bobsKey } }
  const token = async (
    ...of: [user: string | undefined, claims?: Parameters<typeof tokenOf>[2]]
  ) => {
    const text = await tokenOf(key, ...of)
    secrets.push(text)
    return text
  }
  const as = (bearer: string, method: string, path: string, request: Request = {}) =>
    call(stack.gateway, method, path, {
      ...request,
      headers: { ...request.headers, authorization: `Bearer ${bearer}` },
    })
  const topUp = (bearer: string, user: string, amount: string) =>
    as(bearer, 'POST', `/accounts/${user}/topup`, { body: { amount }, ...keyed })
  const paid = async (bearer: string, user_id: string, amount: string) => {
    const { body } = await as(bearer, 'POST', '/orders', { body: { user_id, amount } })
    const order = () => as(bearer, 'GET', `/orders/${body.order_id}`)
    await eventually(async () => (await order()).body.status === 'PAID')
    return String(body.order_id)
  }
  /** Everything that the APIs say of somebody. */
  const belongings = async (bearer: string, user: string) => {
    const paths = [`/orders?user_id=${user}`, `/accounts/${user}`, `/accounts/${user}/ledger`]
    const replies = await Promise.all(paths.map((path) => as(bearer, 'GET', path)))
    for (const { status } of replies) assert.equal(status, 200)
    return replies.map(({ body }) => body)
  }
  const refunded = async () =>
    (await as(tokens.bob, 'GET', `/orders/${ids.order_id?.[0]}`)).body.status === 'REFUNDED'

  /** Each call with an id in each of its places, one at a time; others are those of Alice. */
  function* calls({ inPath, inQuery, inBody, path, method, example }: Route, given: typeof ids) {
    const own: Record<string, string> = { user_id: alice, order_id: randomUUIDv7() }
    for (const place of ['path', 'query', 'body'] as const) {
      const names = { path: inPath, query: inQuery, body: inBody }[place]
      for (const name of names) {
        for (const id of given[name] ?? assert.fail(`nothing is known to be a ${name}`)) {
          const put = { ...own, [name]: id }
          const filled = path.replaceAll(/\{(\w+)\}/g, (_, field: string) => put[field] ?? '')
          const query = inQuery.map((field) => `${field}=${put[field]}`).join('&')
          const fields = inBody.map((field) => [field, put[field]])
          const body = example && { ...example, ...Object.fromEntries(fields) }
          yield { place, method, path: `${filled}${query && `?${query}`}`, body }
        }
      }
    }
  }

  it('has every call and every message of the documents', () => {
    assert.ok(routes.length >= 9 && socketRequests.length >= 4 && socketQuery.length >= 2)
  })

  for (const route of routes) {
    it(`${route.name}: Alice gets nothing of Bob's, and is told what she is told of nothing`, async () => {
      await eventually(refunded)
      const before = await belongings(tokens.bob, bob)
      const tried = [...calls(route, ids)]
      assert.ok(tried.length > 0, 'no id is known to go into this call: extend the matrix')
      const unknown = { user_id: [`nobody-${randomUUID()}`], order_id: [randomUUIDv7()] }
      for (const { place, method, path, body } of tried) {
        const headers = { ...keyed.headers, ...identityHeaders(bob) }
        const told = await as(tokens.alice, method, path, { body, headers })
        expectProblem(told, place === 'body' ? 403 : 404)
        for (const nothing of calls(route, unknown)) {
          if (nothing.place !== place) continue
          const request = { body: nothing.body }
          const of = (reply: Reply) => ({ ...reply.body, instance: '' })
          assert.deepEqual(of(await as(tokens.alice, method, nothing.path, request)), of(told))
        }
      }
      assert.deepEqual(await belongings(tokens.bob, bob), before)
    })
  }

  const tried: Record<string, (() => Promise<string>) | undefined> = {
    missing: undefined,
    ...badTokens(key, alice),
  }
  for (const [what, make] of Object.entries(tried)) {
    it(`no call does anything for a bad token: ${what}`, async () => {
      const before = await belongings(tokens.alice, alice)
      const bearer = await make?.()
      for (const route of routes) {
        const [one] = calls(route, { user_id: [alice], order_id: [randomUUIDv7()] })
        const { method = '', path = '', body } = one ?? {}
        const headers = identityHeaders(alice)
        const reply =
          bearer === undefined
            ? await call(stack.gateway, method, path, { body, headers })
            : await as(bearer, method, path, { body, headers })
        expectProblem(reply, 401)
        const challenge = reply.headers.get('www-authenticate') ?? ''
        assert.match(challenge, /^Bearer realm="orders-payments"/)
        assert.equal(challenge.includes('error="invalid_token"'), bearer !== undefined)
      }
      await assert.rejects(connect({ bearer }), /401/)
      if (bearer !== undefined)
        await assert.rejects(connect({ protocols: ['bearer', bearer] }), /401/)
      assert.deepEqual(await belongings(tokens.alice, alice), before)
    })
  }

  it('each API takes tokens of its scope, and each of both for a token without a scope', async () => {
    const limited = await token(alice, { scope: 'openid payments' })
    const list = `/orders?user_id=${alice}`
    assert.equal((await as(limited, 'GET', `/accounts/${alice}`)).status, 200)
    const refused = await as(limited, 'GET', list)
    expectProblem(refused, 403)
    assert.match(refused.headers.get('www-authenticate') ?? '', /insufficient_scope/)
    await assert.rejects(connect({ bearer: limited }), /403/)
    const other = await token(alice, { scp: ['orders'] })
    assert.equal((await as(other, 'GET', list)).status, 200)
    expectProblem(await as(other, 'GET', `/accounts/${alice}`), 403)
  })

  it('a token in the query does not count', async () => {
    const path = `/orders?user_id=${alice}`
    expectProblem(await call(stack.gateway, 'GET', `${path}&access_token=x`), 401)
    await assert.rejects(connect({ query: '?access_token=x&token=x&bearer=x' }), /401/)
  })

  interface Heard {
    type: string
    order_id?: string
    user_id?: string
    problem?: { status: number; detail: string }
  }
  async function connect({
    bearer,
    protocols = [],
    query = '',
  }: {
    bearer?: string | undefined
    protocols?: string[]
    query?: string
  }) {
    const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }
    const address = `${stack.gateway.replace(/^http/, 'ws')}/orders/ws${query}`
    const socket = new WebSocket(address, protocols, { headers })
    sockets.push(socket)
    const heard: Heard[] = []
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as Heard
      assertDocumentedMessage(message.type === 'order' ? 'OrderMessage' : 'ErrorMessage', message)
      heard.push(message)
    })
    await once(socket, 'open')
    return { socket, heard }
  }

  for (const { type, ids: names } of socketRequests) {
    it(`WebSocket, ${type} by ${names}: Alice hears nothing of Bob's, and takes him nothing`, async () => {
      assert.equal(names.length, 1, 'no id is known to go into this message: extend the matrix')
      const [name = ''] = names
      const bobs = await connect({ bearer: tokens.bob, query: `?user_id=${bob}` })
      const { socket, heard } = await connect({ bearer: tokens.alice })
      const unknown =
        { user_id: [`nobody-${randomUUID()}`], order_id: [randomUUIDv7()] }[name] ?? []
      const asked = [...(ids[name] ?? []), ...unknown]
      for (const id of asked) socket.send(JSON.stringify({ type, [name]: id }))
      if (type === 'subscribe') {
        await eventually(() => heard.length === asked.length)
        for (const [index, id] of asked.entries()) {
          const { problem, ...target } = heard[index] ?? assert.fail()
          assert.deepEqual(target, { type: 'error', [name]: id })
          assert.equal(problem?.status, 404)
          const [first] = heard
          assert.equal(
            problem.detail.replace(id, 'it'),
            first?.problem?.detail.replace(asked[0] ?? '', 'it'),
          )
        }
      }
      const before = heard.length
      const orderId = await paid(tokens.bob, bob, '0.01')
      await eventually(() => bobs.heard.some(({ order_id }) => order_id === orderId))
      socket.send(JSON.stringify({ type: 'subscribe', order_id: orderId }))
      await eventually(() => heard.length > before)
      assert.deepEqual(
        heard.filter((message) => message.type === 'order'),
        [],
      )
    })
  }

  it('WebSocket, the query: the same as by messages', async () => {
    assert.deepEqual(
      socketQuery.filter((name) => !ids[name]),
      [],
      'extend the matrix',
    )
    const pairs = socketQuery.flatMap((name) => (ids[name] ?? []).map((id) => [name, id]))
    const query = `?${new URLSearchParams(pairs)}`
    const { heard } = await connect({ protocols: ['bearer', tokens.alice], query })
    await eventually(() => heard.length === pairs.length)
    assert.deepEqual(
      heard.map(({ type, problem }) => [type, problem?.status]),
      pairs.map(() => ['error', 404]),
    )
  })

  it('WebSocket: takes a token as a subprotocol, answers bearer, and closes when it expires', async () => {
    const expiresAt = inSeconds(3)
    const short = await token(bob, { exp: expiresAt })
    const { socket, heard } = await connect({
      protocols: ['bearer', short],
      query: `?order_id=${ids.order_id?.[0]}`,
    })
    assert.equal(socket.protocol, 'bearer')
    let code: number | undefined
    socket.on('close', (given) => {
      code = given
    })
    await eventually(() => code !== undefined)
    assert.equal(code, 4401)
    assert.ok(Date.now() >= expiresAt * 1_000)
    assert.deepEqual(
      heard.map(({ type }) => type),
      ['order'],
    )
  })

  it('the client goes on with a fresh token, and misses nothing', async () => {
    let count = 0
    const client = new Client({
      gateway: stack.gateway,
      token: () => token(bob, { exp: inSeconds(count++ === 0 ? 2 : 600) }),
      fetch: checkedFetch,
      WebSocket,
    })
    const told: string[] = []
    let connections = 0
    const following = client.follow({
      onOrder: ({ order_id, status }) => void (isPending(status) || told.push(order_id)),
      onState: (state) => void (state === 'connecting' && connections++),
    })
    following.user(bob)
    await eventually(() => connections >= 2)
    const { order_id } = await client.placeOrder(bob, '0.01')
    await eventually(() => told.includes(order_id))
    following.close()
  })

  it('keys change side by side; while they cannot be read, the known ones go on', async () => {
    const next = newKey('next')
    const ofNext = await tokenOf(next, alice)
    const path = `/accounts/${alice}`
    await keys.publish(key, next)
    assert.equal((await as(ofNext, 'GET', path)).status, 200)
    assert.equal((await as(tokens.alice, 'GET', path)).status, 200)
    await keys.close()
    const later = await as(await tokenOf(newKey('later'), alice), 'GET', path)
    expectProblem(later, 503)
    assert.ok(later.headers.get('retry-after'))
    assert.equal((await as(await tokenOf(next, alice, { jti: 'new' }), 'GET', path)).status, 200)
    assert.equal((await as(await token(alice, { jti: 'new' }), 'GET', path)).status, 200)
    await keys.start()
  })

  it('no log has a token', async () => {
    const logs = globSync(`${stack.dir}/logs/*.log`).map((file) => readFileSync(file, 'utf8'))
    assert.ok(logs.length > 6 && logs.some((text) => text.includes('/orders/ws')))
    assert.ok(secrets.length > 5)
    for (const secret of secrets) {
      const signature = secret.split('.').at(-1) ?? ''
      assert.ok(!logs.some((text) => text.includes(signature)))
    }
  })
})
