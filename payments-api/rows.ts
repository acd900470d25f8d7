import { sql, type Transaction } from 'kysely'
import type { Database } from '#chassis/database/connect.ts'
import type { KeysetPosition } from '#http/cursor.ts'
import type { OwnUserId, Principal } from '#principal/principal.ts'
import { ownedBy } from '#principal/rows.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'

type Db = Database<PaymentsDatabase>
type Trx = Transaction<PaymentsDatabase>

const accountColumns = ['user_id', 'balance', 'version', 'created_at'] as const
const ledgerColumns = ['tx_id', 'order_id', 'type', 'amount', 'status', 'created_at'] as const

/** The new account; undefined when the user has one already. */
export const insertAccount = (trx: Trx, userId: OwnUserId) =>
  trx
    .insertInto('accounts')
    .values({ user_id: userId })
    .onConflict((conflict) => conflict.column('user_id').doNothing())
    .returning(accountColumns)
    .modifyEnd(sql`/* insertAccount */`)
    .executeTakeFirst()

export const findAccount = (principal: Principal, db: Db, userId: string) =>
  db
    .selectFrom('accounts')
    .select(accountColumns)
    .where('user_id', '=', userId)
    .where(ownedBy(principal))
    .modifyEnd(sql`/* findAccount */`)
    .executeTakeFirst()

/** The account, locked until commit. */
export const lockAccount = (principal: Principal, trx: Trx, userId: string) =>
  trx
    .selectFrom('accounts')
    .select(['balance', 'version'])
    .where('user_id', '=', userId)
    .where(ownedBy(principal))
    .forNoKeyUpdate()
    .modifyEnd(sql`/* lockAccount */`)
    .executeTakeFirst()

/** Of an account locked in the same transaction. */
export const setBalance = (
  principal: Principal,
  trx: Trx,
  { userId, balance, version }: { userId: string; balance: string; version: number },
) =>
  trx
    .updateTable('accounts')
    .set({ balance, version, updated_at: sql`now()` })
    .where('user_id', '=', userId)
    .where(ownedBy(principal))
    .modifyEnd(sql`/* setBalance */`)
    .execute()

export const insertTopUp = (
  trx: Trx,
  { txId, userId, amount }: { txId: string; userId: OwnUserId; amount: string },
) =>
  trx
    .insertInto('ledger')
    .values({ tx_id: txId, user_id: userId, type: 'TOPUP', amount, status: 'SUCCESS' })
    .modifyEnd(sql`/* insertTopUp */`)
    .execute()

/** A user's entries, newest first, those after a position. */
export const listLedger = (
  principal: Principal,
  db: Db,
  { userId, after, limit }: { userId: string; after: KeysetPosition | undefined; limit: number },
) =>
  db
    .selectFrom('ledger')
    .select(ledgerColumns)
    .where('user_id', '=', userId)
    .where(ownedBy(principal))
    .$if(after !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) => {
        const { created_at, id } = after as KeysetPosition
        return eb(refTuple('created_at', 'tx_id'), '<', tuple(created_at, id))
      }),
    )
    .orderBy('created_at', 'desc')
    .orderBy('tx_id', 'desc')
    .limit(limit)
    .modifyEnd(sql`/* listLedger */`)
    .execute()

/** Cheap enough for a readiness check, and fails while migrations are missing. */
export const pingAccounts = (db: Db) =>
  sql`/* pingAccounts */ SELECT FROM accounts LIMIT 0`.execute(db)
