import { Client } from '#client/client.ts'

/** A call is tried once: who has typed decides about another try. */
export const api = new Client({ gateway: location.origin, totalTimeoutMs: 0 })
