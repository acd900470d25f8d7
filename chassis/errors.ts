/**
 * The class of a failure. ARCHITECTURE.md ("How each engine treats each failure") has the action of
 * each engine for each class.
 *
 * - `unavailable`: a server that we need is away, too busy or not set up yet; the same call may
 *   succeed later. If a commit was in progress, it may or may not have happened.
 * - `slow`: a statement took too long. The call is not the cause: another one would take as long.
 * - `locked`: another transaction holds a lock. The same call may succeed later; another one may
 *   succeed now.
 * - `conflict`: a conflict with another transaction (serialization, deadlock, a unique key inserted
 *   meanwhile); the same call, restarted, sees what the other transaction committed.
 * - `fault`: anything else, a fault of the item or of the program. It is logged in full, and shown
 *   to callers as an internal error.
 */
export type FailureClass = ErrorCode | 'fault'

export type ErrorCode = 'unavailable' | 'slow' | 'locked' | 'conflict'

export const failureClasses: readonly FailureClass[] = [
  'unavailable',
  'slow',
  'locked',
  'conflict',
  'fault',
]

/** A failure of the environment (a server, another transaction), not of the item or the program. */
export class EnvironmentError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'EnvironmentError'
    this.code = code
  }
}

export const classify = (error: unknown): FailureClass =>
  error instanceof EnvironmentError ? error.code : 'fault'

export const isCode = (error: unknown, code: ErrorCode): boolean => classify(error) === code
