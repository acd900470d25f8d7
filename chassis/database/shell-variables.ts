/**
 * Deletes the variables of libpq, which the driver reads, too, from an environment, and returns
 * their names. The URL of a database has all options; the shell may have variables for another
 * server.
 */
export function deletePostgresVariables(env: NodeJS.ProcessEnv): string[] {
  const names = Object.keys(env).filter((name) => /^PG([A-Z]+|CONNECT_TIMEOUT)$/.test(name))
  for (const name of names) delete env[name]
  return names.sort()
}
