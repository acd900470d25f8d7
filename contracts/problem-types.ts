/**
 * Every type of problem (RFC 9457): its status, and the one title that it has wherever it is made,
 * in the APIs, on the WebSocket, in the gateway (gateway.conf.template; a test compares) and in the
 * documents. The first type of a status is what the status means when nothing more is said.
 */
export const problemKinds = {
  'bad-request': { status: 400, title: 'The request cannot be read' },
  unauthorized: { status: 401, title: 'A valid token is needed' },
  forbidden: { status: 403, title: 'This is not allowed' },
  'insufficient-scope': { status: 403, title: 'The token is not meant for this' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'This method is not allowed here' },
  conflict: { status: 409, title: 'This is in conflict with what is there' },
  'order-pending': { status: 409, title: 'The payment of this order is not decided yet' },
  'not-refundable': { status: 409, title: 'This order cannot be refunded' },
  'request-in-progress': { status: 409, title: 'The first request with this key is still running' },
  'precondition-failed': { status: 412, title: 'This is not the version that was asked for' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'uri-too-long': { status: 414, title: 'The address is too long' },
  'unsupported-media-type': { status: 415, title: 'The body has a format that is not taken' },
  invalid: { status: 422, title: 'The request is not valid' },
  'idempotency-key-reused': { status: 422, title: 'This key was used for another request' },
  'upgrade-required': { status: 426, title: 'Only a WebSocket is served here' },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'headers-too-large': { status: 431, title: 'The headers are too large' },
  internal: { status: 500, title: 'Internal error' },
  unavailable: { status: 503, title: 'Not available at the moment' },
  timeout: { status: 504, title: 'No answer in time' },
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
