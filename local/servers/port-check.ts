import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Why a port cannot be listened on (EADDRINUSE, EACCES); undefined when it can. */
export async function portError(port: number): Promise<string | undefined> {
  try {
    await close(await listen(port))
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

/** Listens on a port of the loopback address; 0 is any free port. */
export async function listen(port: number): Promise<Server> {
  const server = createServer()
  server.listen({ port, host: '127.0.0.1', exclusive: true })
  await once(server, 'listening')
  return server
}

/** Closes a server, and resolves when its port is free. */
export async function close(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
