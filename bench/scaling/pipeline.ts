import { relayDefaults } from '#messaging/defaults.ts'
import type { Clock } from './clock.ts'
import { Disk, Machine, OneByOne, type Resource } from './resources.ts'
import { type Place, type Tier, tiers } from './service-times.ts'
import { Station, type Step } from './station.ts'

/** Machines of so many cores, and how many run each process. */
export interface Layout {
  /** 1: everything; 3: processes, PostgreSQL, RabbitMQ; 5: APIs, engines, and each server. */
  machines: 1 | 3 | 5
  cores: number
  /** Of each process, unless it is in `replicasOf`. */
  replicas: number
  replicasOf?: Record<string, number>
  /** How much faster a core is than the measured one. */
  speed?: number
}

/** What shares a machine with something, by the number of machines. */
const placement: Record<Layout['machines'], (name: string) => string> = {
  1: () => 'everything',
  3: (name) => (/ database$/.test(name) ? 'PostgreSQL' : name === 'broker' ? name : 'processes'),
  5: (name) => {
    if (/ database$|^broker$/.test(name)) return name
    return /^(gateway|orders-api|load generator)$/.test(name) ? 'APIs' : 'relays and consumers'
  },
}

/** All that orders take time at, by name, and the tiers that take it. */
export class Pipeline<Order> {
  readonly resources = new Map<string, Resource>()
  readonly stations: Station<Order>[] = []

  constructor(
    clock: Clock,
    layout: Layout,
    {
      vary,
      passed,
    }: { vary: (ms: number) => number; passed: (tier: string, order: Order) => void },
    shape: Tier[] = tiers,
  ) {
    const resource = resourcesOf(clock, layout, this.resources)
    for (const [index, tier] of shape.entries()) {
      const { batchSize, gatherMs, name } = tier
      const lanes = lanesOf(tier, layout, resource)
      this.stations.push(
        new Station({ clock, lanes, batchSize, gatherMs, vary }, (order: Order) => {
          passed(name, order)
          this.stations[index + 1]?.push(order)
        }),
      )
    }
  }
}

type Find = (place: Place, process: string, replica: number) => Resource

/** Finds a resource, or makes it at its first use. */
function resourcesOf(clock: Clock, layout: Layout, made: Map<string, Resource>): Find {
  const once = (name: string, make: () => Resource): Resource => {
    const found = made.get(name) ?? make()
    made.set(name, found)
    return found
  }
  const machineOf = (name: string) => {
    const cores = `cores of ${placement[layout.machines](name)}`
    return once(cores, () => new Machine(clock, layout.cores))
  }
  return (place, process, replica) => {
    if (place === 'thread') {
      return once(`${process} ${replica + 1}`, () => new OneByOne(clock, machineOf(process)))
    }
    if (place.endsWith(' log')) return once(place, () => new Disk(clock))
    if (place === 'notify lock') {
      const log = once('orders log', () => new Disk(clock))
      return once(place, () => new OneByOne(clock, log))
    }
    if (!place.endsWith(' queue')) return machineOf(place)
    return once(place, () => new OneByOne(clock, machineOf('broker')))
  }
}

/** A faster core shortens what a processor does, not what a disk does. */
function lanesOf({ process, lanes, steps }: Tier, layout: Layout, find: Find): Step[][] {
  const { replicas, replicasOf = {}, speed = 1 } = layout
  const count = replicasOf[process] ?? replicas
  return Array.from({ length: count * lanes }, (_, lane) =>
    steps.map(([place, batchMs, orderMs, flag]): Step => {
      const factor = / (log|lock)$/.test(place) ? 1 : 1 / speed
      return {
        at: find(place, process, lane % count),
        batchMs: batchMs * factor,
        orderMs: orderMs * factor,
        sharedBy: /^broker$| queue$/.test(place) ? relayDefaults.eventsPerMessage : 0,
        ...(flag && { handsOver: true }),
      }
    }),
  )
}
