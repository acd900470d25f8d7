import { type IncomingMessage, ServerResponse } from 'node:http'
import { aroundSending, reach } from './fault-points.ts'
import { moduleOf, wrap } from './wrap.ts'

/** Every answer to a request: `after` it is when it was handed to the kernel. */
export function wrapHttp(): void {
  wrap(ServerResponse.prototype, 'end', (end, self, args) => {
    const response = self as ServerResponse & { req: IncomingMessage }
    const point = nameAnswer(response.req, response.statusCode)
    reach(point, 'before')
    response.once('finish', () => reach(point, 'after'))
    return end(...args)
  })
}

/** Every message to a subscriber. */
export function wrapWs(): void {
  wrap(moduleOf('ws').prototype, 'send', (send, _, args) => {
    const { type, status } = JSON.parse(String(args[0])) as { type: string; status?: string }
    return aroundSending(`push ${status ?? type}`, () => send(...args))
  })
}

/** Without whatever differs from call to call: ids, users, the query. */
function nameAnswer({ method, url = '' }: IncomingMessage, status: number): string {
  const path = url.replace(/\?.*/, '').replace(/^\/(orders|accounts)\/[^/]+/, '/$1/:id')
  return `answer ${method} ${path} ${status}`
}
