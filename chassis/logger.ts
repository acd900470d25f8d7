import type { Logger } from 'pino'
import { pino } from 'pino'

export type { Logger }

/**
 * A logger that writes JSON lines to standard output; `name` is the process. User names and
 * passwords are removed from every URL, also from those in errors of libraries. `fieldsOfEach`: for
 * each line, as a new object.
 */
export function createLogger(name: string, level = 'info', fieldsOfEach?: () => object): Logger {
  return pino({
    name,
    level,
    base: { pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: withoutCertificate },
    hooks: { streamWrite: withoutLogins },
    ...(fieldsOfEach && { mixin: fieldsOfEach }),
  })
}

/** An error about a certificate has all of it, and of its authorities: kilobytes. */
function withoutCertificate(error: Error): object {
  if (!(error instanceof Error)) return error
  const { cert: _, ...fields } = pino.stdSerializers.err(error)
  return fields
}

/**
 * Replaces logins of URLs, up to the last `@` before a space or quote, `password` parameters, and
 * the fields of objects that hold secrets.
 */
export const withoutLogins = (text: string): string =>
  text
    .replace(/([a-z]+:\/\/)[^\s"]*@/gi, '$1***@')
    .replace(/([?&]password=)[^\s"&]*/gi, '$1***')
    .replace(/("(?:password|authorization|cookie)":")(?:[^"\\]|\\.)*"/gi, '$1***"')
