import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { callUntilReady, type Reply } from '#testing/client.ts'

/** As much of a Postman collection as ours has. */
export interface Collection {
  variable: { key: string; value: string }[]
  item: {
    name: string
    event: { listen: string; script: { exec: string[] } }[]
    request: {
      method: string
      header: { key: string; value: string }[]
      url: { raw: string }
      body?: { raw: string }
    }
  }[]
}

/**
 * Runs a collection as Postman does; says what its own tests have checked. Fails where one fails.
 */
export async function runCollection(
  { variable, item }: Collection,
  given: Record<string, string>,
): Promise<string[]> {
  const variables = new Map(variable.map(({ key, value }) => [key, value]))
  for (const [key, value] of Object.entries(given)) variables.set(key, value)
  const passed: string[] = []
  const fill = (template: string) =>
    template.replaceAll(/\{\{([^}]+)\}\}/g, (_, name: string) => {
      const value = name === '$guid' ? randomUUID() : variables.get(name)
      assert.ok(value !== undefined, `{{${name}}} is nothing`)
      return value
    })
  for (const { name, request, event } of item) {
    const { origin, pathname, search } = new URL(fill(request.url.raw))
    const headers = Object.fromEntries(
      request.header.map(({ key, value }) => [key.toLowerCase(), fill(value)]),
    )
    const body = request.body && fill(request.body.raw)
    const reply = await callUntilReady(origin, request.method, pathname + search, { headers, body })
    const pm = postmanOf(reply, variables, (test) => passed.push(`${name} ${test}`))
    for (const { script } of event) runInNewContext(script.exec.join('\n'), { pm })
  }
  return passed
}

/** The `pm` that scripts of a collection see. */
const postmanOf = (
  { status, body }: Reply,
  variables: Map<string, string>,
  pass: (test: string) => void,
) => ({
  test: (name: string, run: () => void) => {
    run()
    pass(name)
  },
  collectionVariables: { set: (name: string, value: string) => variables.set(name, value) },
  response: {
    json: () => body,
    to: {
      have: {
        status: (expected: number) => assert.equal(status, expected, JSON.stringify(body)),
      },
    },
  },
})
