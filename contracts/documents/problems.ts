import type { ProblemDocument } from '../problem.ts'
import type { Refusal } from './operation.ts'

/** Each status of a refusal: its type, its title, and what it means for the caller. */
const kinds = {
  400: ['bad-request', 'The request cannot be read', 'The request cannot be read.'],
  404: ['not-found', 'There is nothing here', 'There is nothing at this address.'],
  409: ['conflict', 'This is in conflict with what is there', 'In conflict with what is there.'],
  413: ['payload-too-large', 'The body is too large', 'The body has more than 64 KiB.'],
  414: ['uri-too-long', 'URI Too Long', 'The address is longer than 8 KiB.'],
  415: [
    'unsupported-media-type',
    'The body is not application/json',
    'The body is not application/json in UTF-8.',
  ],
  422: ['invalid', 'The request is not valid', 'The request is understood, and not valid.'],
  429: [
    'too-many-requests',
    'Too Many Requests',
    'Too many requests from this client; wait as Retry-After says. Only with RATE_LIMIT_PER_SECOND.',
  ],
  431: ['headers-too-large', 'Request Header Fields Too Large', 'A header is longer than 8 KiB.'],
  500: ['internal', 'Internal error', 'A fault on our side; `instance` names it in the logs.'],
  503: [
    'unavailable',
    'Not available at the moment',
    'What this needs cannot be reached. Repeat as Retry-After says, with the same Idempotency-Key.',
  ],
  504: [
    'timeout',
    'Gateway Timeout',
    'No answer in time. Repeat as Retry-After says, with the same Idempotency-Key.',
  ],
} as const satisfies Record<number, [slug: string, title: string, meaning: string]>

export type ProblemStatus = keyof typeof kinds

/** The statuses that can come with Retry-After: 409 does while the first request with a key is running. */
export const retryable: readonly ProblemStatus[] = [409, 429, 503, 504]

export const meaningOf = (status: ProblemStatus): string => kinds[status][2]

/** A problem document as it looks with these words. */
export function problemExample(status: ProblemStatus, { detail, errors }: Refusal) {
  const [slug, title] = kinds[status]
  const instance = '3f1c7a52d0e84b6c9a17be20f4d85e63'
  const type = `/problems/${slug}`
  return {
    type,
    title,
    status,
    detail,
    instance,
    ...(errors && { errors }),
  } satisfies ProblemDocument
}

/** What may happen to every call. */
export const everywhere: Partial<Record<ProblemStatus, Refusal[]>> = {
  400: [{ when: 'not HTTP', detail: 'The request is not well-formed HTTP.' }],
  413: [{ when: 'too large', detail: 'The body may have 65536 bytes at most.' }],
  414: [{ when: 'too long', detail: 'The address is longer than 8 KiB.' }],
  429: [
    {
      when: 'too often',
      detail: 'Too many requests from this client. Wait as Retry-After says, then repeat.',
    },
  ],
  431: [
    { when: 'too large', detail: 'A header field is longer than 8 KiB, or there are too many.' },
  ],
  500: [
    {
      when: 'unexpected',
      detail: 'Something went wrong on our side; the request id names it in the logs.',
    },
  ],
  503: [
    {
      when: 'away',
      detail:
        'What this needs cannot be reached or is too busy. A change may or may not have taken effect: repeat the request, with the same Idempotency-Key.',
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
      detail: 'Send a body of Content-Type: application/json, in UTF-8, not compressed.',
    },
  ],
}

/** What may happen to every call with an Idempotency-Key. */
export const withKey = {
  409: {
    when: 'the first is still running',
    detail: 'The first request with this Idempotency-Key is still running.',
  },
  422: {
    when: 'another request with this key',
    detail: 'This Idempotency-Key was used for another request.',
  },
} satisfies Partial<Record<ProblemStatus, Refusal>>
