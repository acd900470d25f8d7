/** Of a relay, as they were measured (docs/decisions). */
export const relayDefaults = {
  /** Events a claim. */
  batchSize: 500,
  /** Claims side by side, once there is more than one batch. */
  concurrency: 2,
  /** Between two looks without being notified. */
  idleMs: 2_500,
  /** How long the broker may take to confirm a batch. */
  deadlineMs: 3_000,
  /** So many events of one route share a message, once as many are due; 1: none ever does. */
  eventsPerMessage: 10,
}

/** Of a consumer, likewise. */
export const consumerDefaults = {
  /** Events a transaction, at most. */
  batchSize: 200,
  /** Transactions side by side. */
  concurrency: 2,
  /** How long a batch that is not full waits for more. */
  lingerMs: 10,
  /** After so many failures of its own, an event is a dead letter. */
  maxAttempts: 6,
}

/** Of the retention that a consumer runs alongside. */
export const retentionDefaults = {
  outboxRetentionDays: 7,
  inboxRetentionDays: 30,
  /** Between two passes through a table. */
  retentionIdleMs: 60_000,
}

/**
 * Options with their defaults. An option that is undefined has its default, too: callers may be
 * JavaScript.
 */
export function withDefaults<Defaults extends object, Options extends Partial<Defaults>>(
  defaults: Defaults,
  options: Options,
): Options & Defaults {
  const given = Object.entries(options).filter(([, value]) => value !== undefined)
  return { ...defaults, ...(Object.fromEntries(given) as Options) }
}
