import type { TSchema } from 'typebox'
import { bearer } from './bearer.ts'
import type { Answer, Api, Operation } from './operation.ts'
import {
  everywhere,
  meaningOf,
  type ProblemStatus,
  problemExample,
  type Refusal,
  retryable,
  withBody,
} from './problems.ts'
import { type JsonObject, refTo, Schemas } from './schemas.ts'

/** The OpenAPI 3.1 document of an API. */
export function openApiOf(api: Api) {
  const schemas = new Schemas(api.schemas)
  const paths: Record<string, JsonObject> = {}
  for (const operation of api.operations) {
    paths[operation.route] = {
      ...paths[operation.route],
      [operation.method]: operationOf(api, operation, schemas),
    }
  }
  return {
    openapi: '3.1.1',
    info: {
      title: api.title,
      version: '1.0.0',
      description: `${api.description}\n\n${conventions}`,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '/', description: 'the gateway that serves this document' }],
    security: [{ bearer: [] }, {}],
    tags: [{ name: api.title }],
    paths,
    components: {
      schemas: schemas.components,
      responses: Object.fromEntries(
        entriesOf(everywhere).map(([status, refusals]) => [
          `Problem${status}`,
          problemResponse(status, refusals),
        ]),
      ),
      headers: sharedHeaders,
      parameters: { IdempotencyKey: idempotencyKey },
      securitySchemes: { bearer },
    },
  }
}

const conventions =
  'Amounts are exact decimals, never floats: strings with two places in answers, strings or numbers in requests. Every error is a problem document (RFC 9457), also for an address that there is not (404) and for a method that an address does not take (405, with Allow). Every POST takes an Idempotency-Key: with it, repeating a request whose answer was lost has no second effect.'

function operationOf(api: Api, operation: Operation, schemas: Schemas): JsonObject {
  const { id, summary, description, body, answer } = operation
  const problems = { ...(body && withBody), ...operation.problems }
  return {
    operationId: id,
    tags: [api.title],
    summary,
    description,
    parameters: parametersOf(operation, schemas),
    ...(body && {
      requestBody: {
        required: !body.isOptional,
        content: { 'application/json': contentOf(body) },
      },
    }),
    responses: {
      [answer.status]: answerResponse(answer, body !== undefined),
      ...Object.fromEntries(
        entriesOf(problems).map(([status, refusals]) => [
          status,
          problemResponse(status, refusals),
        ]),
      ),
      ...Object.fromEntries(
        entriesOf(everywhere)
          .filter(([status]) => !(status in problems))
          .map(([status]) => [status, { $ref: `#/components/responses/Problem${status}` }]),
      ),
    },
  }
}

function parametersOf({ path = {}, query, queryExamples = {}, body }: Operation, schemas: Schemas) {
  const inPath = Object.entries(path).map(([name, { schema, description, example }]) => ({
    name,
    in: 'path',
    required: true,
    description,
    schema: schemas.show(schema),
    example,
  }))
  const inQuery = Object.entries(query?.properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: query?.required?.includes(name) ?? false,
    schema: schemas.show(schema as TSchema),
    ...(queryExamples[name] !== undefined && { example: queryExamples[name] }),
  }))
  const inHeader = body ? [{ $ref: '#/components/parameters/IdempotencyKey' }] : []
  return [...inPath, ...inQuery, ...inHeader]
}

const contentOf = ({ schema, examples }: { schema: string; examples: Record<string, object> }) => ({
  schema: refTo(schema),
  examples: Object.fromEntries(
    Object.entries(examples).map(([summary, value]) => [slugOf(summary), { summary, value }]),
  ) as JsonObject,
})

const answerResponse = (answer: Answer, isRepeatable: boolean): JsonObject => ({
  description: answer.description,
  headers: {
    'X-Request-Id': { $ref: '#/components/headers/RequestId' },
    ...rateLimits,
    ...(answer.location && {
      Location: {
        description: 'where it can be read from now on',
        schema: { type: 'string', format: 'uri-reference' },
        example: answer.location,
      },
    }),
    ...(isRepeatable && {
      'Idempotent-Replayed': { $ref: '#/components/headers/IdempotentReplayed' },
    }),
  },
  content: { 'application/json': contentOf(answer) },
})

/** With USER_RATE_LIMIT_PER_SECOND. */
const rateLimits: JsonObject = {
  RateLimit: { $ref: '#/components/headers/RateLimit' },
  'RateLimit-Policy': { $ref: '#/components/headers/RateLimitPolicy' },
}

const problemResponse = (status: ProblemStatus, refusals: Refusal[]): JsonObject => ({
  description: meaningOf(status),
  headers: {
    'X-Request-Id': { $ref: '#/components/headers/RequestId' },
    ...(retryable.includes(status) && {
      'Retry-After': { $ref: '#/components/headers/RetryAfter' },
    }),
    ...(status === 429 && rateLimits),
    ...((status === 401 || status === 403) && {
      'WWW-Authenticate': { $ref: '#/components/headers/Challenge' },
    }),
  },
  content: {
    'application/problem+json': {
      schema: refTo('Problem'),
      examples: Object.fromEntries(
        refusals.map((refusal) => [
          slugOf(refusal.when),
          { summary: refusal.when, value: problemExample(status, refusal) },
        ]),
      ),
    },
  },
})

const sharedHeaders: JsonObject = {
  RequestId: {
    description: 'names the request in the logs; taken from the request, if it brought one',
    schema: { type: 'string' },
  },
  RetryAfter: { description: 'seconds to wait', schema: { type: 'integer', minimum: 1 } },
  RateLimit: {
    description:
      'requests that the user has left (r) in the next seconds (t); only with USER_RATE_LIMIT_PER_SECOND (draft-ietf-httpapi-ratelimit-headers-11)',
    schema: { type: 'string' },
    example: '"user";r=99;t=1',
  },
  RateLimitPolicy: {
    description: 'requests of a user (q) in so many seconds (w)',
    schema: { type: 'string' },
    example: '"user";q=100;w=2',
  },
  Challenge: {
    description: 'what is wrong with the token (RFC 6750)',
    schema: { type: 'string', pattern: '^Bearer ' },
    example: 'Bearer realm="orders-payments", error="invalid_token"',
  },
  IdempotentReplayed: {
    description: 'true: this is the answer that an earlier request with this key got',
    schema: { type: 'string', const: 'true' },
  },
}

const idempotencyKey: JsonObject = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description:
    'Makes the request safe to repeat: the same key and body get the same answer, with one effect. 1 to 255 printable characters, kept for at least 24 hours, yours alone; free again after an error.',
  schema: { type: 'string', minLength: 1, maxLength: 257, pattern: '^[ -~]+$' },
}

const entriesOf = (problems: Partial<Record<ProblemStatus, Refusal[]>>) =>
  Object.entries(problems).map(
    ([status, refusals]) => [Number(status) as ProblemStatus, refusals] as const,
  )

const slugOf = (words: string): string => words.replaceAll(/[^A-Za-z0-9]+/g, '-')
