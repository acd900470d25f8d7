import type { Logger } from 'pino'
import { pino } from 'pino'

export type { Logger }

/**
 * JSON lines on standard output, one logger a process; `name` is the process. Whoever logs in is taken out
 * of every URL, whatever library has put it into an error.
 */
export function createLogger(name: string, level = 'info'): Logger {
  return pino({
    name,
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    hooks: { streamWrite: withoutLogins },
  })
}

/** Up to the last `@` before a space or quote: a password may have one, too. PostgreSQL's may be a parameter. */
export const withoutLogins = (text: string): string =>
  text.replace(/([a-z]+:\/\/)[^\s"]*@/gi, '$1***@').replace(/([?&]password=)[^\s"&]*/gi, '$1***')
