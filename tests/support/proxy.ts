import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to a server that can die without a word, as a cable does. */
export interface Proxy {
  url: string
  /** From now on its present connections pass nothing on and end nothing; later ones live. */
  freeze: () => void
  /** The next connection on which a client sends these bytes is cut instead; says whether one was. */
  cutAt: (bytes: Buffer) => () => boolean
  close: () => void
}

/** Passes the connections of a port (any free one, unless told) on to the server of a URL. */
export async function proxyTo(url: string, port = 0): Promise<Proxy> {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let frozen = new Set<Socket>()
  let fatal: Buffer | undefined
  const isFatal = (data: Buffer) => {
    if (!fatal || !data.includes(fatal)) return false
    fatal = undefined
    return true
  }
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname)
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from)
      from.on('data', (data: Buffer) => {
        if (from === client && isFatal(data)) from.destroy()
        else if (!frozen.has(from)) to.write(data)
      })
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: bound } = server.address() as { port: number }
  return {
    url: withPort(url, bound),
    freeze: () => {
      frozen = new Set(sockets)
    },
    cutAt: (bytes) => {
      fatal = bytes
      return () => fatal === undefined
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

/** The same URL with another port; an AMQP URL has no parts that a URL could change. */
export const withPort = (url: string, port: number): string => url.replace(/:\d+\//, `:${port}/`)
