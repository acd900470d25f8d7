import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs'

/** Of a log, before it is rotated; and how many earlier ones are kept, the youngest as `.1`. */
const maxBytes = 20 * 1024 * 1024
const kept = 2
const checkMs = 5_000

/** Rotates a log whenever it has grown too large, until the returned function is called. */
export function keepSmall(file: string): () => void {
  const timer = setInterval(() => rotateIfLarge(file), checkMs).unref()
  return () => clearInterval(timer)
}

/**
 * Moves what a log has to `<file>.1`, and that to `.2`. The program goes on with the same open
 * file, at whose end it writes (O_APPEND), so the file is copied and emptied, and not renamed. What
 * is written while it is copied is copied, too: only what comes in the microseconds between the
 * last read and the emptying is lost.
 */
export function rotateIfLarge(file: string, limitBytes = maxBytes): void {
  if (!existsSync(file) || statSync(file).size <= limitBytes) return
  for (let age = kept; age > 1; age--) {
    if (existsSync(`${file}.${age - 1}`)) renameSync(`${file}.${age - 1}`, `${file}.${age}`)
  }
  const log = openSync(file, 'r+')
  const copy = openSync(`${file}.1`, 'w')
  try {
    const chunk = Buffer.alloc(1024 * 1024)
    let offset = 0
    do {
      const bytes = readSync(log, chunk, 0, chunk.length, offset)
      writeSync(copy, chunk, 0, bytes)
      offset += bytes
    } while (offset < fstatSync(log).size)
    ftruncateSync(log)
  } finally {
    closeSync(log)
    closeSync(copy)
  }
}
