import { SessionClient } from './session.ts'

/** Where the driver of the database connects to: a port of a host, or a socket. Throws what the driver would. */
export function databaseAddress(url: string): { host: string; port: number } | { path: string } {
  const { host, port } = new SessionClient({ connectionString: url })
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
}
