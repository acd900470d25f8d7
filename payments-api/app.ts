import { randomUUIDv7 } from 'node:crypto'
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Database } from '#chassis/database/connect.ts'
import { readJson } from '#chassis/http/body.ts'
import { decodeCursor, pageOf } from '#chassis/http/cursor.ts'
import { Problem } from '#chassis/http/problem.ts'
import { validated } from '#chassis/http/validation.ts'
import { defaultLimit } from '#contracts/http-fields.ts'
import { formatMoney, MAX_MINOR, minorOf } from '#contracts/money.ts'
import {
  type Account,
  type LedgerEntry,
  type ToppedUp,
  type TopUp,
  toTopUp,
  validateCreateAccount,
  validateListLedger,
  validateTopUp,
} from '#contracts/payments-http.ts'
import { userIdPattern } from '#contracts/user-id.ts'
import { idempotencyKeyOf, sendIdempotentResponse } from '#idempotency/key.ts'
import { withIdempotencyKey } from '#idempotency/transaction.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import {
  findAccount,
  insertAccount,
  insertTopUp,
  listLedger,
  lockAccount,
  setBalance,
} from './rows.ts'
import { topUp } from './top-up.ts'

export interface Payments {
  db: Database<PaymentsDatabase>
}

/** The HTTP interface of Payments, as docs/generated/openapi/payments.json describes it. */
export function paymentsRouter(payments: Payments): Router {
  const router = new Router({ sensitive: true, strict: true })
  router.post('/accounts', (ctx) => postAccount(payments, ctx))
  router.get('/accounts/:user_id', (ctx) => getAccount(payments, ctx))
  router.post('/accounts/:user_id/topup', (ctx) => postTopUp(payments, ctx))
  router.get('/accounts/:user_id/ledger', (ctx) => getLedger(payments, ctx))
  return router
}

async function postAccount({ db }: Payments, ctx: Context) {
  const key = idempotencyKeyOf(ctx)
  const request = validated(validateCreateAccount, await readJson(ctx))
  const { user_id: userId } = request
  const scope = { userId, operation: 'POST /accounts', key, fingerprintSource: request }

  const response = await withIdempotencyKey(db, scope, async (trx) => {
    const account = await insertAccount(trx, userId)
    if (!account) throw new Problem(409, 'This user has an account already.')
    return { status: 201, body: toAccountResponse(account) }
  })
  ctx.set('Location', `/accounts/${encodeURIComponent(userId)}`)
  sendIdempotentResponse(ctx, response)
}

async function getAccount({ db }: Payments, ctx: Context) {
  const account = await findAccount(db, userIdOf(ctx))
  if (!account) throw noSuchAccount()
  ctx.body = toAccountResponse(account)
}

/** The ledger entry and the balance are one transaction; the account is locked in between. */
async function postTopUp({ db }: Payments, ctx: Context) {
  const userId = userIdOf(ctx)
  const key = idempotencyKeyOf(ctx)
  const request = parseTopUp(await readJson(ctx))
  const operation = 'POST /accounts/{user_id}/topup'
  const scope = { userId, operation, key, fingerprintSource: request }

  const response = await withIdempotencyKey(db, scope, async (trx) => {
    const account = await lockAccount(trx, userId)
    if (!account) throw noSuchAccount()
    const before = { balanceMinor: minorOf(account.balance), version: account.version }
    const decision = topUp(before, minorOf(request.amount), MAX_MINOR)
    if (decision.kind === 'refuse') throw balanceLimit()

    const txId = randomUUIDv7()
    const balance = formatMoney(decision.balanceMinor)
    await insertTopUp(trx, { txId, userId, amount: request.amount })
    await setBalance(trx, { userId, balance, version: decision.version })
    const toppedUp: ToppedUp = { user_id: userId, balance, version: decision.version, tx_id: txId }
    return { status: 200, body: toppedUp }
  })
  sendIdempotentResponse(ctx, response)
}

const parseTopUp = (json: unknown): TopUp => toTopUp(validated(validateTopUp, json))

async function getLedger({ db }: Payments, ctx: Context) {
  const userId = userIdOf(ctx)
  const query = validated(validateListLedger, { ...ctx.query })
  const size = Number(query.limit ?? defaultLimit)
  const after = decodeCursor(query.cursor)
  if (!(await findAccount(db, userId))) throw noSuchAccount()
  const rows = await listLedger(db, { userId, after, limit: size + 1 })
  ctx.body = pageOf(rows, size, {
    positionOf: ({ created_at, tx_id }) => ({ created_at, id: tx_id }),
    itemOf: (row): LedgerEntry => ({ ...row, created_at: row.created_at.toISOString() }),
  })
}

/** A user id that could not be one is an address where nothing is. */
function userIdOf(ctx: Context): string {
  const { user_id } = ctx.params as { user_id?: string }
  if (user_id && userIdPattern.test(user_id)) return user_id
  throw noSuchAccount()
}

const toAccountResponse = (row: Omit<Account, 'created_at'> & { created_at: Date }): Account => ({
  ...row,
  created_at: row.created_at.toISOString(),
})

const noSuchAccount = () => new Problem(404, 'There is no such account.')

const balanceLimit = () =>
  new Problem(422, 'The balance would exceed 9999999999999999.99.', {
    errors: [{ pointer: '/amount', message: 'is more than the account can hold' }],
  })
