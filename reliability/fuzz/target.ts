import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { processPort } from '#local/stack/ports.ts'
import { call } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { freePortBase } from '#testing/free-ports.ts'
import { audience, issuer, KeyServer, newKey, tokenOf } from '#testing/issuer.ts'
import { type Stack, startStack } from '#testing/stack.ts'
import type { Door } from './inputs/http-requests.ts'
import { type StandIn, users } from './inputs/stand-ins.ts'
import { TopUps } from './top-ups.ts'

/** The whole stack with AUTH_MODE=jwt, with Alice, who sends everything, and Bob. */
export interface Target extends AsyncDisposable {
  stack: Stack
  doors: Record<Door, string>
  values: Record<StandIn, string>
  /** Amounts and ids that only Bob may see. */
  secrets: string[]
  topUps: TopUps
  pids: () => Record<string, number>
  /** Of the logs of all processes: errors. */
  errors: () => string[]
}

/** Bob's money, and what he pays of it: numbers that no other answer has. */
const fortune = { before: '7654321098.76', price: '1234567890.12', after: '6419753208.64' }

export async function startTarget(): Promise<Target> {
  await using opened = new AsyncDisposableStack()
  const key = newKey('fuzz')
  const keys = new KeyServer()
  await keys.publish(key)
  await keys.start()
  opened.defer(keys.close)
  const base = await freePortBase()
  const jwt = { JWT_JWKS_URL: keys.url, JWT_ISSUER: issuer, JWT_AUDIENCE: audience }
  const env = { AUTH_MODE: 'jwt', ...jwt, LOCAL_PORT_BASE: String(base) }
  const stack = await startStack({ env })
  opened.defer(async () => void (await stack.stop()))
  const portOf = (name: 'orders-api' | 'payments-api') =>
    `http://127.0.0.1:${processPort(base, name, 1)}`
  const tokens = { own: await tokenOf(key, users.own), foreign: await tokenOf(key, users.foreign) }
  const topUps = new TopUps()
  const open = (user_id: string, token: string, amount: string, price: string) =>
    openUser({ gateway: stack.gateway, topUps, token, user_id, amount, price })
  const own = await open(users.own, tokens.own, '100000.00', '1.00')
  const foreign = await open(users.foreign, tokens.foreign, fortune.before, fortune.price)
  const owned = opened.move()
  return {
    stack,
    doors: {
      gateway: stack.gateway,
      'orders-api': portOf('orders-api'),
      'payments-api': portOf('payments-api'),
    },
    values: { token: tokens.own, ownOrder: own.orderId, foreignOrder: foreign.orderId },
    secrets: [...Object.values(fortune), ...foreign.txIds],
    topUps,
    pids: () => pidsIn(join(stack.dir, 'run')),
    errors: () => errorsIn(join(stack.dir, 'logs')),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

interface NewUser {
  gateway: string
  topUps: TopUps
  token: string
  user_id: string
  amount: string
  price: string
}

/** An account with a paid order. */
async function openUser({ gateway, topUps, token, user_id, amount, price }: NewUser) {
  const as = async (method: string, path: string, body?: object) => {
    const headers = { authorization: `Bearer ${token}` }
    return (await call(gateway, method, path, { body, headers })).body
  }
  await as('POST', '/accounts', { user_id })
  topUps.done(amount, JSON.stringify(await as('POST', `/accounts/${user_id}/topup`, { amount })))
  const { order_id } = await as('POST', '/orders', { user_id, amount: price })
  await eventually(async () => (await as('GET', `/orders/${order_id}`)).status === 'PAID')
  const { items = [] } = await as('GET', `/accounts/${user_id}/ledger`)
  return { orderId: String(order_id), txIds: items.map(({ tx_id }) => String(tx_id)) }
}

const pidsIn = (dir: string): Record<string, number> =>
  Object.fromEntries(
    readdirSync(dir)
      .filter((file) => file.endsWith('.pid'))
      .map((file) => [file.slice(0, -4), Number(readFileSync(join(dir, file), 'utf8'))]),
  )

/**
 * What our processes log as an error, or say when they end; and workers of nginx that have died.
 */
const errorsIn = (dir: string): string[] =>
  readdirSync(dir)
    .filter((file) => /^nginx|-(?:api|relay|consumer)/.test(file))
    .flatMap((file) =>
      readFileSync(join(dir, file), 'utf8')
        .split('\n')
        .filter((line) => /"level":"(?:error|fatal)"|exited on signal|^Uncaught|^ +at /.test(line))
        .map((line) => `${file}: ${line}`),
    )
