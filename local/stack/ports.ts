export const processNames = [
  'orders-api',
  'orders-relay',
  'orders-consumer',
  'payments-api',
  'payments-relay',
  'payments-consumer',
] as const

export type ProcessName = (typeof processNames)[number]

/** Replica n listens at offset + n - 1, and the offsets are a hundred apart. */
export const replicasMax = 100

export const portBaseDefault = 18_000
export const gatewayPortDefault = 8_080

/** The documented offset of each port from LOCAL_PORT_BASE. The gateway has its own variable. */
const offsets = {
  postgres: 1,
  amqp: 2,
  management: 3,
  distribution: 4,
  epmd: 5,
  frontend: 6,
  provider: 7,
}

const processOffsets: Record<ProcessName, number> = {
  'orders-api': 100,
  'orders-relay': 200,
  'orders-consumer': 300,
  'payments-api': 400,
  'payments-relay': 500,
  'payments-consumer': 600,
}

/** All ports of a stack are below its base plus this number. */
export const portSpan = 700

export type Ports = { base: number } & Record<keyof typeof offsets, number>

/** The ports of the servers. Stacks with bases at least `portSpan` apart share no port. */
export function portsFrom(base: number): Ports {
  const absolute = Object.entries(offsets).map(([name, offset]) => [name, base + offset])
  return { base, ...Object.fromEntries(absolute) }
}

/** The port of a replica of a process; the first replica is number 1. */
export function processPort(base: number, name: ProcessName, replica: number): number {
  return base + processOffsets[name] + replica - 1
}
