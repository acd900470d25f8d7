import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { type CertificateFiles, readFiles } from './certificates.ts'

export interface TlsProxyOptions {
  certificate: CertificateFiles
  /** Lets only clients in that this authority has certified. */
  clientCa?: string | undefined
}

/** A server that speaks TLS, in front of one that does not: PostgreSQL or RabbitMQ, by its URL. */
export async function tlsProxyTo(url: string, options: TlsProxyOptions) {
  const target = new URL(url)
  const isPostgres = target.protocol.startsWith('postgres')
  let { certificate } = options
  const sockets = new Set<Socket>()
  const secure = (socket: Socket) => {
    const ca = options.clientCa === undefined ? {} : { ca: readFileSync(options.clientCa) }
    const client = new TLSSocket(socket, {
      isServer: true,
      secureContext: createSecureContext({ ...readFiles(certificate), ...ca }),
      ...{ requestCert: 'ca' in ca, rejectUnauthorized: 'ca' in ca },
    })
    const upstream = connect(Number(target.port), target.hostname)
    for (const one of [client, upstream]) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream).pipe(client)
  }
  const server = createServer((socket) => {
    socket.on('error', () => {})
    if (!isPostgres) return secure(socket)
    socket.once('data', () => {
      socket.write('S') // yes to the request for TLS, which is all that a client says first
      secure(socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    /** The same server by TLS; `host` is what its certificate is compared with. */
    url: (parameters: Record<string, string>, host = '127.0.0.1') => {
      const own = new URL(url.replace(/^amqp:/, 'amqps:'))
      own.port = String(port)
      own.hostname = host
      for (const [name, value] of Object.entries(parameters)) own.searchParams.set(name, value)
      return own.href
    },
    /** New connections get this one. */
    use: (other: CertificateFiles) => {
      certificate = other
    },
    /** Ends the present connections. */
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
