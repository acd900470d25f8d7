import { listenConnections, poolSizes } from '#chassis/database/connect.ts'
import type { Scale } from './options.ts'
import { type ProcessName, processNames } from './ports.ts'

const poolOf: Record<ProcessName, number> = {
  'orders-api': poolSizes.api,
  'orders-relay': poolSizes.worker,
  'orders-consumer': poolSizes.worker,
  'payments-api': poolSizes.api,
  'payments-relay': poolSizes.worker,
  'payments-consumer': poolSizes.worker,
}

/** PostgreSQL keeps so many for its administrators, if not told otherwise. */
const reserved = 3

/**
 * Says that all replicas together may open more connections than PostgreSQL takes; undefined if
 * they may not. Each process of an external server says so itself.
 */
export function connectionWarning(scale: Scale, maxConnections: number): string | undefined {
  const needed = processNames.reduce(
    (sum, name) => sum + scale[name] * (poolOf[name] + listenConnections),
    0,
  )
  const room = maxConnections - reserved
  if (needed <= room) return undefined
  return `Warning: the replicas may open ${needed} connections together, and PostgreSQL takes ${room} (max_connections = ${maxConnections}): under load some requests are answered with 503`
}
