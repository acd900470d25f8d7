/** Why somebody could not sign in, or has to sign in again. The message is for people. */
export class SignInError extends Error {
  override readonly name = 'SignInError'
  /** Whether the same may succeed later. */
  readonly isTemporary: boolean

  constructor(message: string, { isTemporary = false, cause }: SignInErrorOptions = {}) {
    super(message, { cause })
    this.isTemporary = isTemporary
  }
}

interface SignInErrorOptions {
  isTemporary?: boolean
  cause?: unknown
}
