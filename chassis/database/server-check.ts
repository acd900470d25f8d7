import type { Logger } from '../logger.ts'
import type { Database, Pooled } from './connect.ts'
import { requireDurability } from './durability.ts'
import { warnWithoutRoom } from './room.ts'

/**
 * What each process asks the server of its database at the start: whether commits are on disk, or
 * else this rejects; and whether there is room for its connections, or else it warns.
 */
export const checkServer = <Tables>(
  db: Database<Tables> & Pooled,
  signal: AbortSignal,
  logger: Logger,
): Promise<void> => requireDurability(db, signal, logger).then(() => warnWithoutRoom(db, logger))
