import { randomBytes } from 'node:crypto'

/** The passwords that docker-compose.yml and .env.example have, for development. */
const defaultPassword = /^([A-Z_]+_PASSWORD)=\S*-for-development$/gm

/** 32 letters, digits, `-` and `_`, since a password becomes part of a URL. */
export const randomPassword = (): string => randomBytes(24).toString('base64url')

/**
 * The text of an .env file with a password of its own for each variable that has a default one, and
 * the names of those variables. A password that somebody has set stays.
 */
export function withOwnPasswords(
  text: string,
  password: () => string = randomPassword,
): { text: string; names: string[] } {
  const names = [...text.matchAll(defaultPassword)].map(([, name = '']) => name)
  return { text: text.replace(defaultPassword, (_, name) => `${name}=${password()}`), names }
}
