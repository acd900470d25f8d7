import { type RawBuilder, sql } from 'kysely'
import type { Principal } from './principal.ts'

/** The condition that a row, by its column `user_id`, is one that the principal may see. */
export const ownedBy = ({ userId }: Principal): RawBuilder<boolean> =>
  userId === undefined ? sql<boolean>`true` : sql<boolean>`user_id = ${userId}`
