import { randomUUIDv7 } from 'node:crypto'
import Router from '@koa/router'
import type { Context } from 'koa'
import type { Database } from '#chassis/database/connect.ts'
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
import { readJson } from '#http/body.ts'
import { decodeCursor, pageOf } from '#http/cursor.ts'
import { sendJson } from '#http/json.ts'
import { Problem } from '#http/problem.ts'
import { validated } from '#http/validation.ts'
import { idempotencyKeyOf, sendIdempotentResponse } from '#idempotency/key.ts'
import { withIdempotencyKey } from '#idempotency/transaction.ts'
import type { LimitUser } from '#limits/user-limit.ts'
import { authenticatedBy } from '#principal/authenticated.ts'
import type { OwnUserId, Principal } from '#principal/principal.ts'
import { foreignUser } from '#principal/refusals.ts'
import type { Verify } from '#principal/verifier.ts'
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
  /** Says who calls. */
  verify: Verify
  /** Refuses who calls too often. */
  limitUser?: LimitUser | undefined
}

/** The HTTP interface of Payments, as docs/generated/openapi/payments.json describes it. */
export function paymentsRouter(payments: Payments): Router {
  const as = authenticatedBy(payments.verify, 'payments', payments.limitUser)
  const router = new Router({ sensitive: true, strict: true })
  router.post(
    '/accounts',
    as((principal, ctx) => postAccount(principal, payments, ctx)),
  )
  router.get(
    '/accounts/:user_id',
    as((principal, ctx) => getAccount(principal, payments, ctx)),
  )
  router.post(
    '/accounts/:user_id/topup',
    as((principal, ctx) => postTopUp(principal, payments, ctx)),
  )
  router.get(
    '/accounts/:user_id/ledger',
    as((principal, ctx) => getLedger(principal, payments, ctx)),
  )
  return router
}

async function postAccount(principal: Principal, { db }: Payments, ctx: Context) {
  const key = idempotencyKeyOf(ctx)
  const request = validated(validateCreateAccount, await readJson(ctx))
  const userId = principal.own(request.user_id)
  if (!userId) throw foreignUser()
  const scope = { userId, operation: 'POST /accounts', key, fingerprintSource: request }

  const response = await withIdempotencyKey(db, scope, async (trx) => {
    const account = await insertAccount(trx, userId)
    if (!account) throw new Problem(409, 'This user has an account already.')
    return { status: 201, body: toAccountResponse(account) }
  })
  ctx.set('Location', `/accounts/${encodeURIComponent(userId)}`)
  sendIdempotentResponse(ctx, response)
}

async function getAccount(principal: Principal, { db }: Payments, ctx: Context) {
  const account = await findAccount(principal, db, userIdOf(principal, ctx))
  if (!account) throw noSuchAccount()
  sendJson(ctx, toAccountResponse(account))
}

/** The ledger entry and the balance are one transaction; the account is locked in between. */
async function postTopUp(principal: Principal, { db }: Payments, ctx: Context) {
  const userId = userIdOf(principal, ctx)
  const key = idempotencyKeyOf(ctx)
  const request = parseTopUp(await readJson(ctx))
  const operation = 'POST /accounts/{user_id}/topup'
  const scope = { userId, operation, key, fingerprintSource: request }

  const response = await withIdempotencyKey(db, scope, async (trx) => {
    const account = await lockAccount(principal, trx, userId)
    if (!account) throw noSuchAccount()
    const before = { balanceMinor: minorOf(account.balance), version: account.version }
    const decision = topUp(before, minorOf(request.amount), MAX_MINOR)
    if (decision.kind === 'refuse') throw balanceLimit()

    const txId = randomUUIDv7()
    const balance = formatMoney(decision.balanceMinor)
    await insertTopUp(trx, { txId, userId, amount: request.amount })
    await setBalance(principal, trx, { userId, balance, version: decision.version })
    const toppedUp: ToppedUp = { user_id: userId, balance, version: decision.version, tx_id: txId }
    return { status: 200, body: toppedUp }
  })
  sendIdempotentResponse(ctx, response)
}

const parseTopUp = (json: unknown): TopUp => toTopUp(validated(validateTopUp, json))

async function getLedger(principal: Principal, { db }: Payments, ctx: Context) {
  const userId = userIdOf(principal, ctx)
  const query = validated(validateListLedger, { ...ctx.query })
  const size = Number(query.limit ?? defaultLimit)
  const after = decodeCursor(query.cursor)
  if (!(await findAccount(principal, db, userId))) throw noSuchAccount()
  const rows = await listLedger(principal, db, { userId, after, limit: size + 1 })
  const page = pageOf(rows, size, {
    positionOf: ({ created_at, tx_id }) => ({ created_at, id: tx_id }),
    itemOf: (row): LedgerEntry => ({ ...row, created_at: row.created_at.toISOString() }),
  })
  sendJson(ctx, page)
}

/** A user id that could not be one, or is somebody else's, is an address where nothing is. */
function userIdOf(principal: Principal, ctx: Context): OwnUserId {
  const { user_id = '' } = ctx.params as { user_id?: string }
  const userId = userIdPattern.test(user_id) && principal.own(user_id)
  if (userId) return userId
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
