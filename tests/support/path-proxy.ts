import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect } from 'node:net'

/** A reverse proxy that serves another server, with WebSockets, under a path. */
export async function behindPath(url: string, path: string) {
  const target = new URL(url)
  const inside = (asked = '') => (asked.startsWith(`${path}/`) ? asked.slice(path.length) : '/none')
  const server = createServer((asked, answer) => {
    const { method = '', headers } = asked
    const passedOn = request(new URL(inside(asked.url), url), { method, headers }, (came) => {
      answer.writeHead(came.statusCode ?? 0, came.headers)
      came.pipe(answer)
    })
    asked.pipe(passedOn)
  })
  server.on('upgrade', ({ url: asked, rawHeaders }, socket) => {
    const upstream = connect(Number(target.port), target.hostname)
    const pairs = rawHeaders.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${rawHeaders[i + 1]}`]))
    upstream.write([`GET ${inside(asked)} HTTP/1.1`, ...pairs, '', ''].join('\r\n'))
    for (const side of [socket, upstream]) side.on('error', () => upstream.destroy())
    upstream.pipe(socket).pipe(upstream)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}${path}`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
