import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** One address for all replicas of an API, as a gateway has it, whichever release they are of. */
export interface Entrance {
  url: string
  add: (port: number) => void
  /** No new connection goes there; present ones end with the process. */
  remove: (port: number) => void
  close: () => void
}

/** Passes each connection on to one of its members in turn. */
export async function openEntrance(): Promise<Entrance> {
  const members: number[] = []
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)))
    return socket.on('error', () => socket.destroy())
  }
  const server = createServer((client) => {
    const port = members.shift()
    if (port === undefined) return void client.destroy()
    members.push(port)
    const upstream = keep(connect({ port, host: '127.0.0.1', noDelay: true }))
    keep(client)
    client.once('close', () => upstream.destroy())
    upstream.once('close', () => client.destroy())
    client.pipe(upstream).pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: own } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${own}`,
    add: (port) => void members.push(port),
    remove: (port) => void members.splice(members.indexOf(port), 1),
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
