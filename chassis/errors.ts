/**
 * The class of a failure, which decides what each engine does (ARCHITECTURE.md, "How each engine
 * treats each failure").
 *
 * - `unavailable`: a server is away, too busy or not set up yet. The same call may succeed later. A
 *   commit in progress may or may not have happened.
 * - `slow`: a statement took too long. Another call would take as long.
 * - `locked`: another transaction holds a lock. The same call may succeed later, another call now.
 * - `conflict`: another transaction was in the way (serialization, deadlock, a unique key taken
 *   meanwhile). The restarted call sees the changes of the other transaction.
 * - `item`: any other failure, a fault of the present item or of the program. It is logged in full,
 *   and shown to callers as an internal error.
 */
export type FailureClass = ErrorCode | 'item'

export type ErrorCode = 'unavailable' | 'slow' | 'locked' | 'conflict'

/** A failure that is no fault of the item. */
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
