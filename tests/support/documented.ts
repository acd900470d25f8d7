import assert from 'node:assert/strict'
import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { asyncApi } from '#generator/asyncapi.ts'
import { openApiOf } from '#generator/openapi.ts'
import { ordersApi } from '#generator/orders.ts'
import { paymentsApi } from '#generator/payments.ts'

/** The parts of a response that the OpenAPI documents describe. */
interface Answer {
  method: string
  path: string
  status: number
  contentType: string
  body: unknown
}

const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)

/** The documents allow additional fields. In a test, each field must be documented. */
const closed = (document: object) =>
  JSON.parse(JSON.stringify(document), (_key, value) =>
    value?.type === 'object' ? { additionalProperties: false, ...value } : value,
  )

ajv.addSchema(closed(asyncApi()), 'messages')

const operations = [ordersApi, paymentsApi].flatMap((api) => {
  const document = closed(openApiOf(api))
  ajv.addSchema(document, api.title)
  return api.operations.map(({ method, route }) => ({
    method: method.toUpperCase(),
    route: new RegExp(`^${route.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    at: `${api.title}#/paths/${route.replaceAll('/', '~1')}/${method}`,
    responses: document.paths[route][method].responses as Record<string, { $ref?: string }>,
    api: api.title,
  }))
})
const problemAt = `${ordersApi.title}#/components/schemas/Problem`

/**
 * Fails when an answer is not as its OpenAPI document says: the status, the media type, and every
 * field. Where there is no operation, an error is a problem all the same.
 */
export function assertDocumented({ method, path, status, contentType, body }: Answer): void {
  const { pathname } = new URL(path, 'http://any')
  const operation = operations.find((one) => one.method === method && one.route.test(pathname))
  const what = `${status} of ${method} ${pathname}`
  if (!operation) {
    if (status >= 400) assertFits(problemAt, body, what)
    return
  }
  const response = operation.responses[status]
  assert.ok(response, `the document does not know ${what}: ${JSON.stringify(body)}`)
  const media = status < 400 ? 'application/json' : 'application/problem+json'
  assert.equal(contentType.split(';')[0], media, what)
  const place = response.$ref
    ? `${operation.api}${response.$ref}`
    : `${operation.at}/responses/${status}`
  assertFits(`${place}/content/${media.replace('/', '~1')}/schema`, body, what)
}

/** Fails when an event, or a message of the WebSocket, does not fit the AsyncAPI document. */
export function assertDocumentedMessage(name: string, payload: unknown): void {
  assertFits(`messages#/components/schemas/${name}`, payload, name)
}

const validators = new Map<string, ValidateFunction>()

function assertFits(ref: string, body: unknown, what: string): void {
  const validate = validators.get(ref) ?? ajv.compile({ $ref: ref.replaceAll(/[{}]/g, escaped) })
  validators.set(ref, validate)
  const fits = validate(body)
  assert.ok(fits, `${what} is not as documented: ${ajv.errorsText(validate.errors)}`)
}

/** A reference is a URI, in which braces are percent-encoded. */
const escaped = (brace: string) => encodeURIComponent(brace)
