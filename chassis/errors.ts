/**
 * Whose failure an error is: what a server says of the call, and what each engine then does
 * (ARCHITECTURE.md, "How each engine treats each failure").
 *
 * - `unavailable`: a server that we need is away, too busy or not set up yet; the same call may succeed
 *   later. If a commit was under way, it may or may not have happened.
 * - `slow`: a statement took too long, which says nothing of the call: another one would fare no better.
 * - `locked`: another transaction holds a lock. The same call may succeed later; another one may succeed now.
 * - `conflict`: another transaction was in the way (serialization, deadlock, a unique key taken
 *   meanwhile); the same call, begun anew, will see what the other one did.
 * - `item`: anything else, a fault of the item in hand or of the program. It is logged whole, and shown as internal.
 */
export type FailureClass = ErrorCode | 'item'

export type ErrorCode = 'unavailable' | 'slow' | 'locked' | 'conflict'

/** A failure that is not the item's. */
export class AppError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'AppError'
    this.code = code
  }
}

export const classify = (error: unknown): FailureClass =>
  error instanceof AppError ? error.code : 'item'

export const isCode = (error: unknown, code: ErrorCode): boolean => classify(error) === code
