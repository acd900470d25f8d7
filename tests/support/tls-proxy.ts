import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type CertificateFiles, readFiles } from './certificates.ts'

export interface TlsProxyOptions {
  certificate: CertificateFiles
  /** Lets only clients in that this authority has certified. */
  clientCa?: string | undefined
}

/** A server that speaks TLS, in front of one that does not: PostgreSQL or RabbitMQ, by its URL. */
export async function tlsProxyTo(url: string, { certificate, clientCa }: TlsProxyOptions) {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  const track = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const client = { ca: clientCa && readFileSync(clientCa), requestCert: clientCa !== undefined }
  const secure = createTlsServer({ ...readFiles(certificate), ...client }, (socket) => {
    const upstream = track(connect(Number(target.port), target.hostname))
    track(socket).once('close', () => upstream.destroy())
    upstream.once('close', () => socket.destroy())
    socket.pipe(upstream).pipe(socket)
  })
  const server = createTcpServer((socket) => {
    track(socket)
    if (target.protocol.startsWith('amqp')) return secure.emit('connection', socket)
    socket.once('data', () => {
      socket.write('S') // yes to the request for TLS, which is all that a client says first
      secure.emit('connection', socket)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    /** The same server by TLS. */
    url: (parameters: Record<string, string>) => {
      const own = new URL(url.replace(/^amqp:/, 'amqps:'))
      own.port = String(port)
      for (const [name, value] of Object.entries(parameters)) own.searchParams.set(name, value)
      return own.href
    },
    /** Ends the present connections. */
    cut,
    close: () => {
      server.close()
      cut()
    },
  }
}
