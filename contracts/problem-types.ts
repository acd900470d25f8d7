/**
 * Every type of problem (RFC 9457): its status, and the one title that it has wherever it is made,
 * in the APIs, on the WebSocket, in the gateway (gateway.conf.template; a test compares) and in the
 * documents. The first type of a status is what the status means when nothing more is said.
 */
export const problemKinds = {
  'bad-request': { status: 400, title: 'Bad request' },
  unauthorized: { status: 401, title: 'Unauthorized' },
  forbidden: { status: 403, title: 'Forbidden' },
  'insufficient-scope': { status: 403, title: 'Insufficient scope' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  conflict: { status: 409, title: 'Conflict' },
  'order-pending': { status: 409, title: 'The order is pending' },
  'not-refundable': { status: 409, title: 'The order cannot be refunded' },
  'request-in-progress': { status: 409, title: 'Request in progress' },
  'precondition-failed': { status: 412, title: 'Precondition failed' },
  'payload-too-large': { status: 413, title: 'Payload too large' },
  'uri-too-long': { status: 414, title: 'URI too long' },
  'unsupported-media-type': { status: 415, title: 'Unsupported media type' },
  invalid: { status: 422, title: 'Invalid request' },
  'idempotency-key-reused': { status: 422, title: 'Idempotency-Key reused' },
  'upgrade-required': { status: 426, title: 'Upgrade required' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'Request header fields too large' },
  internal: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Service unavailable' },
  timeout: { status: 504, title: 'Gateway timeout' },
} as const

export type ProblemType = keyof typeof problemKinds
export type ProblemStatus = (typeof problemKinds)[ProblemType]['status']

const types = Object.keys(problemKinds) as ProblemType[]

/** The type that a status stands for; a type stands for itself. */
export const problemTypeOf = (kind: ProblemStatus | ProblemType): ProblemType =>
  types.find((type) => type === kind || problemKinds[type].status === kind) as ProblemType

/** The members of a problem document that are the same for all problems of a type. */
export const problemHead = (type: ProblemType) => ({
  type: `/problems/${type}`,
  title: problemKinds[type].title,
  status: problemKinds[type].status,
})
