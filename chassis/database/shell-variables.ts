/**
 * Deletes the variables of libpq from an environment, and returns their names. The driver reads
 * them too, and the shell may have them for another server: only the URL of a database counts.
 */
export function deletePostgresVariables(env: NodeJS.ProcessEnv): string[] {
  const names = Object.keys(env).filter((name) => /^PG([A-Z]+|CONNECT_TIMEOUT)$/.test(name))
  for (const name of names) delete env[name]
  return names.sort()
}
