import { type Step, variables } from './steps.ts'

/**
 * The walk as a Postman collection: to be run as a whole, each request with the check of its
 * status.
 */
export const postmanCollection = (steps: Step[]) => ({
  info: {
    name: 'Orders + Payments',
    description:
      'Made from the OpenAPI documents by npm run documents. Set the variable user_id to a user who has no account yet, and run the collection.',
    schema: 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json',
  },
  variable: Object.entries(variables).map(([key, value]) => ({ key, value })),
  item: steps.map(itemOf),
})

const itemOf = (step: Step) => ({
  name: step.summary,
  event: [{ listen: 'test', script: { type: 'text/javascript', exec: scriptOf(step) } }],
  request: {
    method: step.method,
    header: [
      { key: 'Accept', value: 'application/json' },
      ...(step.body
        ? [
            { key: 'Content-Type', value: 'application/json' },
            { key: 'Idempotency-Key', value: '{{$guid}}' },
          ]
        : []),
    ],
    url: urlOf(step),
    ...(step.body && { body: { mode: 'raw', raw: named(JSON.stringify(step.body, null, 2)) } }),
  },
  response: [],
})

function urlOf({ path, query }: Step) {
  const search = Object.entries(query).map(([key, value]) => ({ key, value: named(value) }))
  const text = search.map(({ key, value }) => `${key}=${value}`).join('&')
  return {
    raw: `{{gateway}}${named(path)}${text && `?${text}`}`,
    host: ['{{gateway}}'],
    path: named(path).split('/').slice(1),
    ...(search.length > 0 && { query: search }),
  }
}

const scriptOf = ({ id, status }: Step): string[] => [
  `pm.test('answers ${status}', () => pm.response.to.have.status(${status}))`,
  ...(id === 'placeOrder'
    ? ["pm.collectionVariables.set('order_id', pm.response.json().order_id)"]
    : []),
]

const named = (text: string): string => text.replaceAll(/\{(\w+)\}/g, '{{$1}}')
