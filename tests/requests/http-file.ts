import { randomUUID } from 'node:crypto'
import { callUntilReady, type Reply } from '#testing/client.ts'

/** A request of a `.http` file, as REST Client reads it, with its names not yet filled in. */
interface HttpRequest {
  name: string
  method: string
  address: string
  headers: Record<string, string>
  body: string
}

/** Sends the requests of a file one after another; the answers by the names of the requests. */
export async function runHttpFile(
  text: string,
  given: Record<string, string>,
): Promise<Map<string, Reply>> {
  const [preface = '', ...blocks] = text.split(/^### .*$/m)
  const set = [...preface.matchAll(/^@(\w+) = (.*)$/gm)].map(([, name, value]) => [name, value])
  const variables = { ...(Object.fromEntries(set) as Record<string, string>), ...given }
  const replies = new Map<string, Reply>()
  for (const request of blocks.map(parse)) {
    const fill = (template: string) =>
      template.replaceAll(/\{\{([^}]+)\}\}/g, (_, name: string) => lookUp(name, variables, replies))
    const { origin, pathname, search } = new URL(fill(request.address))
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), fill(value)]),
    )
    const body = request.body === '' ? undefined : fill(request.body)
    const reply = await callUntilReady(origin, request.method, pathname + search, { headers, body })
    replies.set(request.name, reply)
  }
  return replies
}

function parse(block: string): HttpRequest {
  const [head = '', ...rest] = block.trim().split(/\n\n/)
  const lines = head.split('\n')
  const name = lines.flatMap((line) => /^# @name (\w+)$/.exec(line)?.[1] ?? [])[0] ?? ''
  const [first = '', ...headerLines] = lines.filter((line) => !line.startsWith('#'))
  const [method = '', address = ''] = first.split(' ')
  const headers = Object.fromEntries(headerLines.map((line) => line.split(': ')))
  return { name, method, address, headers, body: rest.join('\n\n').trim() }
}

/** `$guid`, a variable, or `name.response.body.field` of a request above. */
function lookUp(
  name: string,
  variables: Record<string, string>,
  replies: Map<string, Reply>,
): string {
  if (name === '$guid') return randomUUID()
  const [, request = '', field = ''] = /^(\w+)\.response\.body\.(\w+)$/.exec(name) ?? []
  const value = request ? replies.get(request)?.body[field] : variables[name]
  if (typeof value !== 'string') throw new Error(`{{${name}}} is nothing`)
  return value
}
