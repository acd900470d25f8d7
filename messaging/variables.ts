import { integer, isGiven, oneOf, type Variable } from '#chassis/config.ts'
import { postgresUrl } from '#chassis/server-urls.ts'
import { brokerUrl } from './broker/address.ts'
import { consumerDefaults, relayDefaults, retentionDefaults } from './defaults.ts'
import { type SignatureOptions, signatureModes } from './signatures/policy.ts'
import { parseSigningKeys } from './signatures/signing-keys.ts'

const servers = (databaseVariable: string) => ({
  databaseUrl: postgresUrl(databaseVariable),
  brokerUrl: brokerUrl('AMQP_URL'),
})

/** What a relay reads from its environment. */
export const relayVariables = (databaseVariable: string) => {
  const { batchSize, concurrency, idleMs, deadlineMs, eventsPerMessage } = relayDefaults
  return {
    ...servers(databaseVariable),
    batchSize: integer('RELAY_BATCH_SIZE', { min: 1, max: 10_000, fallback: batchSize }),
    concurrency: {
      ...integer('RELAY_CONCURRENCY', { min: 1, max: 8, fallback: concurrency }),
      formerName: 'RELAY_LANES',
    },
    idleMs: integer('RELAY_IDLE_MS', { min: 10, max: 60_000, fallback: idleMs }),
    deadlineMs: integer('RELAY_DEADLINE_MS', { min: 100, max: 9_000, fallback: deadlineMs }),
    eventsPerMessage: integer('RELAY_EVENTS_PER_MESSAGE', {
      ...{ min: 1, max: 50, fallback: eventsPerMessage },
    }),
  }
}

/** How long an event is in the inbox, for a consumer and for whoever redrives dead letters. */
export const inboxRetentionDays = integer('INBOX_RETENTION_DAYS', {
  ...{ min: 1, max: 36_500, fallback: retentionDefaults.inboxRetentionDays },
})

const retentionVariables = {
  outboxRetentionDays: integer('OUTBOX_RETENTION_DAYS', {
    ...{ min: 1, max: 36_500, fallback: retentionDefaults.outboxRetentionDays },
  }),
  inboxRetentionDays,
  retentionIdleMs: integer('RETENTION_IDLE_MS', {
    ...{ min: 10, max: 86_400_000, fallback: retentionDefaults.retentionIdleMs },
  }),
}

/** What a consumer reads from its environment. */
export const consumerVariables = (databaseVariable: string) => {
  const { batchSize, concurrency, lingerMs, maxAttempts } = consumerDefaults
  return {
    ...servers(databaseVariable),
    batchSize: integer('CONSUMER_BATCH_SIZE', { min: 1, max: 2_000, fallback: batchSize }),
    concurrency: {
      ...integer('CONSUMER_CONCURRENCY', { min: 1, max: 8, fallback: concurrency }),
      formerName: 'CONSUMER_LANES',
    },
    lingerMs: integer('CONSUMER_LINGER_MS', { min: 0, max: 1_000, fallback: lingerMs }),
    maxAttempts: integer('CONSUMER_MAX_ATTEMPTS', { min: 1, max: 100, fallback: maxAttempts }),
    ...retentionVariables,
  }
}

/**
 * How events are signed, and the keys of their sender: of a relay its own, of a consumer those of
 * the service that it listens to. Where there are keys, somebody has to say what they are for.
 */
export function signatureVariables(
  env: NodeJS.ProcessEnv,
  keysVariable: string,
): { [K in keyof Required<SignatureOptions>]: Variable<Required<SignatureOptions>[K]> } {
  const mode = oneOf('EVENT_SIGNATURES', signatureModes)
  const given = env[mode.name]?.trim()
  const keys = { name: keysVariable, isSecret: true, parse: parseSigningKeys } as const
  const choice = `${mode.name} (${signatureModes.join(', ')}, since there is ${keysVariable})`
  return {
    signatures:
      given || !isGiven(env, keysVariable)
        ? { ...mode, fallback: 'off' }
        : { ...mode, name: choice },
    signingKeys: given && given !== 'off' ? keys : { ...keys, fallback: [], parse: () => [] },
  }
}
