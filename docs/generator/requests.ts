import { type Step, variables } from './steps.ts'

/** The walk as a file for VS Code's REST Client and httpYac: `requests.http`. */
export const requestsFile = (steps: Step[]): string =>
  [
    '# Made from the OpenAPI documents by npm run documents. Send the requests from top to bottom, for a user\n# who has no account yet.',
    ...Object.entries(variables).map(([name, value]) => `@${name} = ${value}`),
    ...steps.map(requestOf),
    '',
  ].join('\n')

function requestOf({ id, summary, method, path, query, body }: Step): string {
  const search = Object.entries(query).map(([name, value]) => `${name}=${value}`)
  const address = `{gateway}${path}${search.length > 0 ? `?${search.join('&')}` : ''}`
  const head = [
    '',
    `### ${summary}`,
    `# @name ${id}`,
    `${method} ${named(address)}`,
    'Accept: application/json',
  ]
  if (!body) return head.join('\n')
  const headers = ['Content-Type: application/json', 'Idempotency-Key: {{$guid}}']
  return [...head, ...headers, '', named(JSON.stringify(body, null, 2))].join('\n')
}

/** `{user_id}` as the file writes it; an order is the one that was placed above. */
const named = (text: string): string =>
  text.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === 'order_id' ? '{{placeOrder.response.body.order_id}}' : `{{${name}}}`,
  )
