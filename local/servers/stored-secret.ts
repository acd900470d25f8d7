import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Passwords } from '#roles/login.ts'
import { logins } from '#roles/table.ts'

/** The random text of a file that only its owner can read; the first call creates the file. */
export function storedSecret(file: string): string {
  return storedText(file, () => randomBytes(18).toString('hex'))
}

/** The passwords of all roles, each in a file of its own. */
export const storedPasswords = (stateDir: string): Passwords =>
  Object.fromEntries(
    logins.map((login) => [login, storedSecret(join(stateDir, 'passwords', login))]),
  ) as Passwords

/** The text of a file; the first call creates the file. */
export function storedText(file: string, create: () => string): string {
  if (!existsSync(file)) writePrivately(file, create())
  return readFileSync(file, 'utf8').trim()
}

/** Writes a file that only its owner can read, completely or not at all. */
export function writePrivately(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}.new`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, file)
}
