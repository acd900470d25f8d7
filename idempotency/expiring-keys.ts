import { integer } from '#chassis/config.ts'
import type { ExpiringTable } from '#messaging/index.ts'

/** How long a key is known: 24 hours are promised. */
export const idempotencyKeyRetentionHours = integer('IDEMPOTENCY_KEY_RETENTION_HOURS', {
  ...{ min: 24, max: 876_000, fallback: 48 },
})

/** The table of keys, by the index of their age. */
export const expiringKeys = (retentionHours: number): ExpiringTable => ({
  ...{ name: 'idempotency_keys', key: 'created_at', keyType: 'timestamptz', age: 'created_at' },
  firstKey: '-infinity',
  lastKeyAt: (moment) => moment.toISOString(),
  retentionMs: retentionHours * 3_600_000,
})
