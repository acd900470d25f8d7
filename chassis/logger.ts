import type { Logger } from 'pino'
import { pino } from 'pino'

export type { Logger }

/** JSON lines on standard output, one logger a process; `name` is the process. */
export function createLogger(name: string, level = 'info'): Logger {
  return pino({
    name,
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  })
}
