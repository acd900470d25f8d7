import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { portSpan, portsFrom, processNames, processPort } from '../stack/ports.ts'

/** Why the port cannot be listened on (EADDRINUSE, EACCES), or undefined when it can. */
export async function whyBusy(port: number): Promise<string | undefined> {
  try {
    const server = await listen(port)
    await close(server)
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown'
  }
}

/** Ports nobody listens on now. They are not reserved: use them soon. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map(close))
  return ports
}

/**
 * A LOCAL_PORT_BASE where the whole stack fits, with a few replicas of each process. Below the
 * range from which the kernel takes ports for outgoing connections, so that none slips in.
 */
export async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 19_000 + portSpan * randomInt(18)
    const busy = await Promise.all(portsWithReplicas(base, 5).map(whyBusy))
    if (busy.every((reason) => reason === undefined)) return base
  }
  throw new Error('No free range of ports between 19000 and 32000')
}

function portsWithReplicas(base: number, replicas: number): number[] {
  const ofProcesses = processNames.flatMap((name) =>
    Array.from({ length: replicas }, (_, index) => processPort(base, name, index + 1)),
  )
  return [...Object.values(portsFrom(base)), ...ofProcesses]
}

async function listen(port: number): Promise<Server> {
  const server = createServer()
  server.listen({ port, host: '127.0.0.1', exclusive: true })
  await once(server, 'listening')
  return server
}

async function close(server: Server): Promise<void> {
  server.close()
  await once(server, 'close')
}
