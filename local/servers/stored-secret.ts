import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** The same random text at every call with the same file, readable by its owner only. */
export function storedSecret(file: string): string {
  return storedText(file, () => randomBytes(18).toString('hex'))
}

/** The text of the file, which is made up and written at the first call. */
export function storedText(file: string, makeUp: () => string): string {
  if (!existsSync(file)) writePrivately(file, makeUp())
  return readFileSync(file, 'utf8').trim()
}

/** Writes a file only its owner may read, whole or not at all. */
export function writePrivately(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const draft = `${file}.${process.pid}.new`
  writeFileSync(draft, text, { mode: 0o600 })
  renameSync(draft, file)
}
