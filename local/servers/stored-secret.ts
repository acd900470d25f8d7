import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

/** The random text of a file that only its owner can read; the first call creates the file. */
export function storedSecret(file: string): string {
  return storedText(file, () => randomBytes(18).toString('hex'))
}

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
