import { randomInt } from 'node:crypto'
import { close, listen, portError } from '#local/servers/port-check.ts'
import { portSpan, portsFrom, processNames, processPort } from '#local/stack/ports.ts'

/** Ports that are free now. They are not reserved: use them soon. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => listen(0)))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map(close))
  return ports
}

/**
 * A LOCAL_PORT_BASE with free ports for the whole stack, with some replicas of each process. The
 * range is below the one from which the kernel takes ports for outgoing connections.
 */
export async function freePortBase(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 19_000 + portSpan * randomInt(18)
    const errors = await Promise.all(portsWithReplicas(base, 5).map(portError))
    if (errors.every((error) => error === undefined)) return base
  }
  throw new Error('No free range of ports between 19000 and 32000')
}

function portsWithReplicas(base: number, replicas: number): number[] {
  const ofProcesses = processNames.flatMap((name) =>
    Array.from({ length: replicas }, (_, index) => processPort(base, name, index + 1)),
  )
  return [...Object.values(portsFrom(base)), ...ofProcesses]
}
