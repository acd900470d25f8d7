import { type Static, Type } from 'typebox'

/** What every error answer is: a problem document (RFC 9457, application/problem+json). */
export const ProblemDocument = Type.Object({
  type: Type.String({
    format: 'uri-reference',
    pattern: '^/problems/[a-z-]+$',
    description: 'the kind of problem; compare this, not the words',
  }),
  title: Type.String({ description: 'the kind of problem, in words' }),
  status: Type.Integer({ minimum: 400, maximum: 599, description: 'as in the status line' }),
  detail: Type.String({ description: 'what it is this time, and what to do about it' }),
  instance: Type.String({
    description: 'the request id, also in X-Request-Id: it names the request in the logs',
  }),
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        pointer: Type.String({ description: 'JSON pointer to what is wrong' }),
        message: Type.String(),
      }),
      { maxItems: 20, description: 'the faults, where the body or the query is at fault' },
    ),
  ),
  more_errors: Type.Optional(
    Type.Integer({ minimum: 1, description: 'how many faults there are besides those in errors' }),
  ),
})
export type ProblemDocument = Static<typeof ProblemDocument>
