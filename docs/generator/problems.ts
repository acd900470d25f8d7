import type { ProblemDocument } from '#contracts/problem.ts'
import {
  type ProblemType,
  problemHead,
  problemTypeOf,
  type ProblemStatus as Status,
} from '#contracts/problem-types.ts'

/** What each status of a refusal means for the caller. */
const meanings = {
  400: 'The request cannot be read.',
  401: 'No valid token; only with AUTH_MODE=jwt. WWW-Authenticate says why (RFC 6750).',
  403: 'The token does not let you do this; only with AUTH_MODE=jwt.',
  404: 'No resource exists at this path. With AUTH_MODE=jwt, what belongs to another user does not exist.',
  409: 'In conflict with the present state. With Retry-After the conflict may end: repeat the same request later.',
  413: 'The body has more than 64 KiB.',
  414: 'The address is longer than 8 KiB.',
  415: 'The body is not application/json in UTF-8 (see Accept), or is compressed (see Accept-Encoding).',
  422: 'The request is understood, and not valid, or its Idempotency-Key was used for another request.',
  426: 'Only a WebSocket is served here; the request has no `Upgrade: websocket`.',
  429: 'Too many requests from this client, or of this user; wait as Retry-After says. Only with RATE_LIMIT_PER_SECOND or USER_RATE_LIMIT_PER_SECOND.',
  431: 'A header is longer than 8 KiB.',
  500: 'An internal error. The logs have its cause under `instance`.',
  503: 'The service is temporarily unavailable. Repeat as Retry-After says, with the same Idempotency-Key.',
  504: 'No answer in time. Repeat as Retry-After says, with the same Idempotency-Key.',
} as const satisfies Partial<Record<Status, string>>

export type ProblemStatus = keyof typeof meanings

/** When, and what is said then. */
export interface Refusal {
  when: string
  /** Unless it is the one that its status stands for. */
  type?: ProblemType
  detail: string
  errors?: { pointer: string; message: string }[]
}

/**
 * The statuses that can come with Retry-After: 409 does while what is in conflict is still going
 * on.
 */
export const retryable: readonly ProblemStatus[] = [409, 429, 503, 504]

export const meaningOf = (status: ProblemStatus): string => meanings[status]

/** A problem document as it looks with these words. */
export const problemExample = (
  status: ProblemStatus,
  { type = problemTypeOf(status), detail, errors }: Refusal,
): ProblemDocument => ({
  ...problemHead(type),
  detail,
  instance: '3f1c7a52d0e84b6c9a17be20f4d85e63',
  ...(errors && { errors }),
})

/** What may happen to every call. */
export const everywhere: Partial<Record<ProblemStatus, Refusal[]>> = {
  400: [{ when: 'not HTTP', detail: 'The request is not well-formed HTTP.' }],
  401: [
    { when: 'no token', detail: 'Send a token: Authorization: Bearer …' },
    { when: 'a bad token', detail: 'The token has expired.' },
  ],
  403: [
    {
      when: 'another scope',
      type: 'insufficient-scope',
      detail: 'The token does not have the scope "orders".',
    },
  ],
  413: [{ when: 'too large', detail: 'The body may have 65536 bytes at most.' }],
  414: [{ when: 'too long', detail: 'The address is longer than 8 KiB.' }],
  429: [
    {
      when: 'too often',
      detail: 'Too many requests from this client. Wait as Retry-After says, then repeat.',
    },
    {
      when: 'too often as a user',
      detail: 'Too many requests of this user. Wait as Retry-After says, then repeat.',
    },
  ],
  431: [
    { when: 'too large', detail: 'A header field is longer than 8 KiB, or there are too many.' },
  ],
  500: [
    {
      when: 'unexpected',
      detail: 'An internal error occurred. The logs have its cause under the request id.',
    },
  ],
  503: [
    {
      when: 'away',
      detail:
        'The service is temporarily unavailable. The request may or may not have taken effect: repeat it with the same Idempotency-Key.',
    },
  ],
  504: [
    {
      when: 'late',
      detail:
        'No answer in time. Repeat as Retry-After says; with the same Idempotency-Key there is no second effect.',
    },
  ],
}

/** What may happen to every call with a body, besides. */
export const withBody: Partial<Record<ProblemStatus, Refusal[]>> = {
  400: [
    ...(everywhere[400] ?? []),
    { when: 'no JSON', detail: 'The body is not JSON: Unexpected end of JSON input' },
    { when: 'a key twice', detail: 'The body is not JSON: An object has the same key twice.' },
    {
      when: 'a malformed Idempotency-Key',
      detail: 'Idempotency-Key must be 1 to 255 printable ASCII characters, once.',
    },
  ],
  415: [
    {
      when: 'another type',
      detail: 'Send a body of Content-Type: application/json, in UTF-8.',
    },
    { when: 'compressed', detail: 'Send the body as it is, without a Content-Encoding.' },
  ],
}

/** What may happen to every call whose body names a user, besides. */
export const withUser: Refusal[] = [
  {
    when: 'another user',
    detail: 'The user_id must be the user of the token; see `errors`.',
    errors: [{ pointer: '/user_id', message: 'must be the user of the token (sub)' }],
  },
  ...(everywhere[403] ?? []),
]

/** What may happen to every call that asks for work which others do later. */
export const underPressure: Refusal[] = [
  ...(everywhere[503] ?? []),
  {
    when: 'a backlog',
    detail:
      'Orders wait for too long at the moment, so none is accepted: this request has had no effect. Repeat it as Retry-After says.',
  },
  {
    when: 'a crowd',
    detail:
      'Too many requests wait for the database: this one has had no effect. Repeat it as Retry-After says.',
  },
]

/** What may happen to every call with an Idempotency-Key. */
export const withKey = {
  409: {
    when: 'the first is still running',
    type: 'request-in-progress',
    detail: 'The first request with this Idempotency-Key is still running.',
  },
  422: {
    when: 'another request with this key',
    type: 'idempotency-key-reused',
    detail: 'This Idempotency-Key was used for another request.',
  },
} satisfies Partial<Record<ProblemStatus, Refusal>>
