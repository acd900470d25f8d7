import { eventually } from '#testing/eventually.ts'
import type { Scene } from '../compose/scene.ts'

export const brokers = ['rabbitmq', 'rabbitmq-2', 'rabbitmq-3']
export const consensus = ['etcd-1', 'etcd-2', 'etcd-3']
export const databases = ['orders-db', 'payments-db'] as const
export type DatabaseCluster = (typeof databases)[number]
export const membersOf = (cluster: DatabaseCluster) => [`${cluster}-1`, `${cluster}-2`]

/** Who is what in the cluster of a scene now. */
export function membersIn(scene: Scene) {
  /** What Patroni of a member answers; false where nobody answers. */
  const is = (service: string, role: 'primary' | 'sync') =>
    scene.project
      .compose('exec', '-T', service, 'curl', '-fs', '-o', '/dev/null', `localhost:8008/${role}`)
      .then(
        () => true,
        () => false,
      )
  const memberWith = (cluster: DatabaseCluster, role: 'primary' | 'sync') =>
    eventually(
      async () => {
        for (const service of membersOf(cluster)) if (await is(service, role)) return service
        return undefined
      },
      { timeoutMs: 120_000, everyMs: 500 },
    )
  return {
    primaryOf: (cluster: DatabaseCluster) => memberWith(cluster, 'primary'),
    /** The one that has all that is confirmed. */
    standbyOf: (cluster: DatabaseCluster) => memberWith(cluster, 'sync'),
    leaderOf: async (queue: string) => {
      const { leader } = (await scene.broker.manage('GET', `/queues/%2F/${queue}`)) as {
        leader: string
      }
      return leader.replace('rabbit@', '')
    },
    /** Every queue has a member on each node, and each of them is online. */
    areQueuesWhole: async () => {
      const queues = (await scene.broker.manage('GET', '/queues')) as { online?: string[] }[]
      return queues.length > 0 && queues.every(({ online = [] }) => online.length === 3)
    },
  }
}
