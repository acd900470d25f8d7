/**
 * Takes out of an environment what libpq, and so the driver, takes from it: the URL of a database says all,
 * and whoever works with another server has that one's variables in the shell. Returns their names.
 */
export function forgetPostgresVariables(env: NodeJS.ProcessEnv): string[] {
  const names = Object.keys(env).filter((name) => /^PG([A-Z]+|CONNECT_TIMEOUT)$/.test(name))
  for (const name of names) delete env[name]
  return names.sort()
}
