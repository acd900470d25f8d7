import { appendFileSync } from 'node:fs'
import { moduleOf, wrap } from '../crash/wrap.ts'

/**
 * For `node --import`, see crashing-requests.ts: a payments-consumer dies of each request of one
 * user, in the middle of the transaction, before it writes the debit. The program knows nothing of
 * it.
 */
const { CHAOS_CRASHING_USER: user, CHAOS_CRASHES_FILE: file } = process.env

type Query = [config: string | { text?: string; values?: unknown[] }, values?: unknown]

if (user && file && process.argv[1]?.endsWith('payments-consumer/main.ts')) {
  wrap(moduleOf('pg').Client.prototype, 'query', (query, _, args) => {
    if (isDeadly(args as Query, user)) die(file)
    return query(...args)
  })
}

function isDeadly([config, given]: Query, user: string): boolean {
  const { text = '', values = given } = typeof config === 'string' ? { text: config } : config
  return text.includes('/* insertEntries */') && JSON.stringify(values).includes(`"${user}"`)
}

function die(file: string): void {
  appendFileSync(file, `${Date.now()}\n`)
  process.kill(process.pid, 'SIGKILL')
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10_000) // until the signal is there
}
