import pg from 'pg'

/**
 * Answers every NOTIFY of the process itself, so that the server and the relay hear nothing of it.
 */
const { query } = pg.Client.prototype
const none = { command: 'SELECT', rowCount: 0, oid: 0, rows: [], fields: [] }

pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
  const [config] = args as [string | { text?: string }]
  const text = typeof config === 'string' ? config : config.text
  if (text?.includes('pg_notify')) return Promise.resolve(none)
  return Reflect.apply(query, this, args)
} as typeof query
