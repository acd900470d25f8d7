import { isCode } from '#chassis/errors.ts'

/** The message of an error; for an unavailable server with its cause. */
export function errorText(error: Error): string {
  const cause = isCode(error, 'unavailable') ? (error.cause as Error | undefined)?.message : ''
  return cause ? `${error.message}: ${cause}` : error.message
}
