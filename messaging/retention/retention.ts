import { backoffMs } from '#chassis/backoff.ts'
import type { Database } from '#chassis/database/connect.ts'
import type { Logger } from '#chassis/logger.ts'
import { Outage } from '#chassis/outage.ts'
import { pause } from '#chassis/pause.ts'
import { Loop } from '../loop.ts'
import type { ExpiringTable } from './expiring-tables.ts'
import { fullBatch, largerBatch, restMs, smallerBatch } from './policy.ts'
import { claimTable, declareTables, deleteExpired, findBatchEnd, saveProgress } from './rows.ts'

export interface Retention<Tables> {
  db: Database<Tables>
  tables: readonly ExpiringTable[]
  /** Between two passes through a table. */
  idleMs: number
  logger: Logger
  /** Of turns that fail. */
  outage?: Outage
  loop?: Loop
}

/** What a turn did. */
export interface RetentionTurn {
  deleted: number
  /** Whether it was the last one of its pass through the table. */
  isLast: boolean
  /** How long to leave the database to others. */
  pauseMs: number
}

/**
 * Deletes the expired ones of the next rows of a table, in one transaction with the count and the
 * place where the next turn goes on. Undefined when the table is not due, or in the hands of
 * another process. Killed anywhere, it has deleted and counted a batch, or nothing.
 */
export const expireSome = <Tables>(
  { db, idleMs }: Pick<Retention<Tables>, 'db' | 'idleMs'>,
  table: ExpiringTable,
  size = fullBatch,
): Promise<RetentionTurn | undefined> =>
  db.transaction().execute(async (trx) => {
    const startedMs = performance.now()
    const claimed = await claimTable(trx, table)
    if (!claimed) return undefined
    const { position, before } = claimed
    const range = { after: position ?? table.firstKey, upTo: table.lastKeyAt(before) }
    const end = await findBatchEnd(trx, table, range, size)
    const deleted = await deleteExpired(trx, table, { ...range, upTo: end ?? range.upTo }, before)
    const isLast = end === undefined
    const pauseMs = restMs(performance.now() - startedMs)
    await saveProgress(trx, {
      ...{ table: table.name, position: end ?? null, isFirst: position === null, deleted, before },
      pauseMs: isLast ? idleMs : pauseMs,
    })
    return { deleted, isLast, pauseMs }
  })

/**
 * Goes through the tables, again and again, until told to stop: a turn for each, with a rest after
 * it, and a longer one when all passes are finished. A turn that fails is repeated, smaller.
 */
export async function runRetention<Tables>(
  retention: Retention<Tables>,
  signal: AbortSignal,
): Promise<void> {
  const { db, tables, idleMs, logger } = retention
  const outage = retention.outage ?? retentionOutage(logger)
  const lane = (retention.loop ?? new Loop('retention')).lane()
  let size = fullBatch
  let isDeclared = false
  for (let failures = 0; !signal.aborted; ) {
    try {
      if (!isDeclared) await declareTables(db, tables)
      isDeclared = true
      const areFinished = await expireSomeOfEach(retention, size, signal)
      size = largerBatch(size)
      failures = 0
      outage.over()
      lane.turned()
      if (areFinished) await lane.idle(pause(idleMs, signal))
    } catch (error) {
      outage.failed(error)
      size = smallerBatch(size)
      await pause(backoffMs(failures++), signal)
    }
  }
}

/** Whether no table has more to look at for now. */
async function expireSomeOfEach<Tables>(
  retention: Retention<Tables>,
  size: number,
  signal: AbortSignal,
): Promise<boolean> {
  let areFinished = true
  for (const table of retention.tables) {
    if (signal.aborted) break
    const turn = await expireSome(retention, table, size)
    if (turn && !turn.isLast) areFinished = false
    if (turn) await pause(turn.pauseMs, signal)
  }
  return areFinished
}

export const retentionOutage = (logger: Logger) =>
  new Outage({ logger, what: 'old rows cannot be deleted' })
