/**
 * What a caller can act on. Anything else that is thrown is a bug: logged whole, shown as internal.
 *
 * - `unavailable`: a server that we need is away or too busy; the same call may succeed later. If a
 *   commit was under way, it may or may not have happened.
 * - `slow`: a statement took too long, which says nothing of the call: another one would fare no better.
 * - `locked`: somebody else holds a lock. The same call may succeed later; another one may succeed now.
 * - `conflict`: another transaction was in the way (serialization, deadlock, a unique key taken
 *   meanwhile); the same call, begun anew, will see what the other one did.
 */
export type ErrorCode = 'unavailable' | 'slow' | 'locked' | 'conflict'

export class AppError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
  }
}

export const isCode = (error: unknown, code: ErrorCode): boolean =>
  error instanceof AppError && error.code === code
