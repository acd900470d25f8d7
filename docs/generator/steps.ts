import type { openApiOf } from './openapi.ts'

type Document = ReturnType<typeof openApiOf>

/** What the requests have in common, to be set by who sends them. */
export const variables = { gateway: 'http://localhost:8080', user_id: 'alice' }

/** One request of a walk through the APIs. Names in braces are filled in when it is sent. */
export interface Step {
  id: string
  summary: string
  method: string
  /** `/orders/{order_id}`. */
  path: string
  query: Record<string, string>
  body?: object
  /** The status of the answer when all is well. */
  status: number
}

/** Each call once, so that every one finds what it needs. */
const walk = [
  'createAccount',
  'topUp',
  'getAccount',
  'placeOrder',
  'getOrder',
  'getTimeline',
  'listOrders',
  'listLedger',
  'refundOrder',
]

interface Operation {
  operationId: string
  summary: string
  parameters: { name: string; in: string; required: boolean }[]
  requestBody?: { content: Record<string, { examples: Record<string, { value: object }> }> }
  responses: Record<string, unknown>
}

/** The walk, made from the OpenAPI documents: their paths, parameters and first examples. */
export function stepsOf(documents: Document[]): Step[] {
  const steps = documents.flatMap(({ paths }) =>
    Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, operation]) =>
        stepOf(path, method, operation as unknown as Operation),
      ),
    ),
  )
  if (steps.length !== walk.length) throw new Error('The walk does not go through every operation.')
  return steps.toSorted((a, b) => walk.indexOf(a.id) - walk.indexOf(b.id))
}

function stepOf(path: string, method: string, operation: Operation): Step {
  const { operationId: id, summary, parameters, requestBody, responses } = operation
  const needed = parameters.filter((one) => one.in === 'query' && one.required)
  const [example] = Object.values(requestBody?.content['application/json']?.examples ?? {})
  return {
    id,
    summary,
    method: method.toUpperCase(),
    path,
    query: Object.fromEntries(needed.map(({ name }) => [name, `{${name}}`])),
    ...(example && { body: filledIn(example.value) }),
    status: Number(Object.keys(responses).find((status) => Number(status) < 300)),
  }
}

/** The example is about somebody; the request is about the user of the variables. */
const filledIn = (body: object): object =>
  Object.fromEntries(
    Object.entries(body).map(([key, value]) => [key, key in variables ? `{${key}}` : value]),
  )
