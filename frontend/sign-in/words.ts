import {
  AuthorizationResponseError,
  JWT_TIMESTAMP_CHECK,
  OperationProcessingError,
  ResponseBodyError,
} from 'oauth4webapi'
import { SignInError } from '../lib/sign-in-error.ts'

export const sessionOver = 'Your session is over. Sign in again.'

/** What a provider answers to whoever asks without a question to the user (OpenID Connect). */
const needsUser = /^(?:login|interaction|consent|account_selection)_required$/

/** Whatever the library or the network has thrown, in words for who signs in. */
export function wordsOf(error: unknown): unknown {
  if (error instanceof AuthorizationResponseError) return refusalOf(error)
  if (error instanceof ResponseBodyError) return refusalOf(error)
  if (error instanceof OperationProcessingError) return faultOf(error)
  return isLost(error) ? away(error) : error
}

/** No connection, or no whole answer in time. */
const isLost = (error: unknown) =>
  error instanceof TypeError || (error instanceof Error && error.name === 'TimeoutError')

const away = (cause: unknown) =>
  new SignInError(
    'The sign-in service does not answer. What you typed is kept. Try again in a moment.',
    { isTemporary: true, cause },
  )

function refusalOf(cause: AuthorizationResponseError | ResponseBodyError): SignInError {
  const { error, error_description: why } = cause
  if (error === 'access_denied') {
    return new SignInError('You did not sign in: you cancelled, or may not use this shop.', {
      cause,
    })
  }
  if (error === 'invalid_grant') return new SignInError(sessionOver, { cause })
  if (needsUser.test(error)) return new SignInError('Sign in to go on.', { cause })
  if (error === 'temporarily_unavailable' || error === 'server_error') return away(cause)
  return setUpWrong(`The sign-in service refuses this page (${why ?? error}).`, cause)
}

function faultOf(fault: OperationProcessingError): SignInError {
  const { code, cause, message } = fault
  if (code === JWT_TIMESTAMP_CHECK) {
    return new SignInError(
      'The clock of this device is not the one of the sign-in service. Set it, then sign in.',
      { cause: fault },
    )
  }
  const isAway = cause instanceof Response ? cause.status >= 500 : isLost(cause)
  if (isAway) return away(fault)
  return setUpWrong(`The answer of the sign-in service is not accepted: ${message}.`, fault)
}

/** For who runs the shop: no user can do anything about it. */
export const setUpWrong = (what: string, cause?: unknown): SignInError =>
  new SignInError(`${what} Whoever runs this shop finds help in docs/security.md.`, { cause })
