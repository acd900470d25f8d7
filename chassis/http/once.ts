import { createHash } from 'node:crypto'
import type { Transaction } from 'kysely'
import type { Database } from '../database/connect.ts'
import type { Answer } from './idempotency.ts'
import { Problem } from './problem.ts'
import {
  findAnswers,
  insertAnswers,
  type KeyOwner,
  lockKeys,
  nameOf,
  type StoredAnswer,
  type WithIdempotencyKeys,
} from './rows.ts'

export interface Call {
  userId: string
  /** Method and route: a key belongs to one call of one user. */
  call: string
  key: string | undefined
  /** What the request means, after validation: `10` and `"10.00"` are the same request. */
  meaning: unknown
}

export type Answered = Answer & { replayed: boolean }

/**
 * Runs an effect in a transaction, once per key: the answer is stored with the effect, and the same
 * key with the same meaning gets it again. Only an effect is remembered: when it throws, the key is
 * free. Throws a Problem: `idempotency-key-reused` (422) for another meaning, `request-in-progress` (409) while
 * the first is still running.
 */
export async function once<Tables extends WithIdempotencyKeys>(
  db: Database<Tables>,
  call: Call,
  effect: (trx: Transaction<Tables>) => Promise<Answer>,
): Promise<Answered> {
  const [ending] = await onceEach(db, [call], async (trx) => [await effect(trx)])
  if (ending === undefined || ending instanceof Problem) throw ending
  return ending
}

/**
 * The same for many calls in one transaction. The effect gets those that are to have one, and says
 * what each is answered. An ending for each call, in their order.
 */
export async function onceEach<Tables extends WithIdempotencyKeys, C extends Call>(
  db: Database<Tables>,
  calls: C[],
  effect: (trx: Transaction<Tables>, fresh: C[]) => Promise<Answer[]>,
): Promise<(Answered | Problem)[]> {
  return db.transaction().execute(async (trx) => {
    const keys = trx as unknown as Transaction<WithIdempotencyKeys>
    const endings = await endingsBefore(keys, calls)
    const fresh = calls.filter((call) => !endings.has(call))
    const answers = fresh.length > 0 ? await effect(trx, fresh) : []
    const keyed: StoredAnswer[] = []
    for (const [index, call] of fresh.entries()) {
      const answer = answers[index]
      if (!answer) throw new Error(`The effect says nothing of a call ${call.call}`)
      endings.set(call, { ...answer, replayed: false })
      const owner = ownerOf(call)
      if (owner) keyed.push({ ...owner, fingerprint: fingerprintOf(call), ...stored(answer) })
    }
    if (keyed.length > 0) await insertAnswers(keys, keyed)
    return calls.map((call) => endings.get(call) as Answered | Problem)
  })
}

/**
 * Of the calls that end without an effect: given the answer again, or refused. Of two with one key
 * and no answer yet, the first has the effect, and the second is refused.
 */
async function endingsBefore(trx: Transaction<WithIdempotencyKeys>, calls: Call[]) {
  const endings = new Map<Call, Answered | Problem>()
  const keyed = calls.flatMap((call) => {
    const owner = ownerOf(call)
    return owner ? [{ call, name: nameOf(owner), owner }] : []
  })
  if (keyed.length === 0) return endings
  const owners = new Map(keyed.map(({ name, owner }) => [name, owner]))
  const locked = await lockKeys(trx, [...owners.keys()])
  const earlier = await findAnswers(trx, [...owners.values()])
  const begun = new Set<string>()
  for (const { call, name } of keyed) {
    const answer = earlier.get(name)
    if (!locked.has(name) || (!answer && begun.has(name))) endings.set(call, stillRunning())
    else if (answer) endings.set(call, again(answer, call))
    begun.add(name)
  }
  return endings
}

const again = (answer: StoredAnswer, call: Call) =>
  answer.fingerprint === fingerprintOf(call) ? replay(answer) : misused()

const ownerOf = ({ userId, call, key }: Call): KeyOwner | undefined =>
  key === undefined ? undefined : { user_id: userId, call, key }

const fingerprintOf = ({ meaning }: Call): string =>
  createHash('sha256').update(JSON.stringify(meaning)).digest('hex')

const stored = ({ status, body }: Answer) => ({ response_status: status, response_body: body })

const replay = (row: StoredAnswer): Answered => ({
  status: row.response_status,
  body: row.response_body,
  replayed: true,
})

const misused = () =>
  new Problem('idempotency-key-reused', 'This Idempotency-Key was used for another request.')

const stillRunning = () =>
  new Problem(
    'request-in-progress',
    'The first request with this Idempotency-Key is still running.',
    {
      headers: { 'Retry-After': '1' },
    },
  )
