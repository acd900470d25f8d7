import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'

const longestTailBytes = 64 * 1024

/**
 * The last twenty lines written to the file after the offset; of a file that was rotated meanwhile,
 * after its beginning.
 */
export function lastLines(file: string, offset: number, count = 20): string {
  if (!existsSync(file)) return ''
  const log = openSync(file, 'r')
  try {
    const { size } = fstatSync(log)
    const from = Math.max(offset > size ? 0 : offset, size - longestTailBytes)
    const bytes = Buffer.alloc(Math.max(0, size - from))
    readSync(log, bytes, 0, bytes.length, from)
    return bytes.toString('utf8').trimEnd().split('\n').slice(-count).join('\n')
  } finally {
    closeSync(log)
  }
}
