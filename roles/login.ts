import { overriding, secret, type Variable } from '#chassis/config.ts'
import { type Login, logins } from './table.ts'

export type Passwords = Record<Login, string>

/** The variable with the password of a role, in PostgreSQL and in RabbitMQ. */
export const passwordVariable = (login: Login): string =>
  `${login.toUpperCase().replaceAll('-', '_')}_PASSWORD`

export const passwordVariables = Object.fromEntries(
  logins.map((login) => [login, secret(passwordVariable(login))]),
) as { [L in Login]: Variable<string> }

export const passwordEnvironment = (passwords: Passwords): NodeJS.ProcessEnv =>
  Object.assign({}, ...logins.map((login) => overriding(passwordVariable(login), passwords[login])))

/** The same URL of a server for another login. */
export function withLogin(url: string, login: Login, password: string): string {
  const own = new URL(url)
  for (const name of ['user', 'password']) own.searchParams.delete(name)
  if (own.host === '') {
    // A socket in the parameter `host`: then the URL takes no login before the host.
    own.searchParams.set('user', login)
    own.searchParams.set('password', password)
    return own.href
  }
  own.username = login
  own.password = encodeURIComponent(password)
  return own.href
}
