import { sql } from 'kysely'
import type { Logger } from '../logger.ts'
import { listenConnections, type Pooled, type Queryable } from './connect.ts'

/**
 * Says in a warning when the server has fewer connections left than this process may open: under
 * load, somebody would be refused. Never rejects: a process that cannot ask starts all the same.
 */
export async function warnWithoutRoom(db: Queryable & Pooled, logger: Logger): Promise<void> {
  const room = await readRoom(db).catch(() => undefined)
  const needed = db.poolUse().max + listenConnections
  if (!room || room.free >= needed) return
  const figures = { ...room, needed }
  logger.warn(
    figures,
    `PostgreSQL has ${room.free} connections left (max_connections = ${room.max}, ${room.reserved} reserved, ${room.open} open), and this process may open ${needed}: raise max_connections, or run fewer replicas`,
  )
}

interface Room {
  max: number
  /** For superusers, and for whom the administrator keeps some. */
  reserved: number
  /** In all databases; without those of this pool, which are among what it needs. */
  open: number
  free: number
}

/** `numbackends` is for everybody to read; other roles' sessions are not. */
async function readRoom(db: Queryable & Pooled): Promise<Room | undefined> {
  const { rows } = await sql<Omit<Room, 'free'>>`
    /* readRoom */
    SELECT current_setting('max_connections')::int AS max,
           current_setting('superuser_reserved_connections')::int
             + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
           (SELECT sum(numbackends) FROM pg_stat_database WHERE datid <> 0)::int AS open
  `.execute(db)
  const [row] = rows
  if (!row) return undefined
  const own = db.poolUse().used + db.poolUse().idle
  const open = Math.max(0, row.open - own)
  return { ...row, open, free: Math.max(0, row.max - row.reserved - open) }
}
