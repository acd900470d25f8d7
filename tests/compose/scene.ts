import { connectDatabase } from '#chassis/database/connect.ts'
import { queues, routes } from '#contracts/topology.ts'
import { managementOf } from '#reliability/chaos/broker.ts'
import { Load } from '#reliability/chaos/load.ts'
import { owedEverywhere, quiesce, takeDeadLetters } from '#reliability/chaos/quiesce.ts'
import { pendingBefore } from '#reliability/chaos/rows.ts'
import { History } from '#reliability/judge/history.ts'
import { readFinalState } from '#reliability/judge/read-final-state.ts'
import { verdictOf } from '#reliability/judge/verdict.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'
import { eventually } from '#testing/eventually.ts'
import { freePorts } from '#testing/free-ports.ts'
import { lines, openProject, type Project } from './project.ts'

/** The system in containers under load, and what can be done to it and asked of it. */
export type Scene = Awaited<ReturnType<typeof setScene>>

export interface SceneOptions {
  /** Zero for never. */
  paymentRequestTimeoutMs: number
  replicas: number
  ordersPerSecond: number
  users: number
  /** Beside docker-compose.yml; the last one lets the test reach both databases. */
  extraFiles?: string[]
  env?: Record<string, string>
}

/** Brings it up and puts it under load; disposing removes all of it. */
export async function setScene(options: SceneOptions) {
  const { paymentRequestTimeoutMs, replicas, ordersPerSecond, users } = options
  const [ordersPort = 0, paymentsPort = 0] = await freePorts(2)
  const project = await openProject({
    extraFiles: options.extraFiles ?? ['tests/compose/reachable.yml'],
    env: {
      ...options.env,
      TEST_ORDERS_PORT: String(ordersPort),
      TEST_PAYMENTS_PORT: String(paymentsPort),
      PAYMENT_REQUEST_TIMEOUT_MS: String(paymentRequestTimeoutMs),
    },
  })
  await project.up(replicas)
  const databases = openDatabases(ordersPort, paymentsPort)
  const broker = { manage: managementOf(managementUrl(project)) }
  const history = new History()
  const load = new Load(history, { gateway: project.gateway, seed: 4, ordersPerSecond, users })
  await load.start()
  const asked = { databases, broker }
  return {
    ...{ project, history, broker },
    ...containersIn(project),
    ...brokerOf(project, broker),
    /** Throws unless all orders placed by now are final in time. */
    untilFinal: async (timeoutMs: number) => {
      const nowMs = Date.now()
      const pending = () => pendingBefore(databases.orders, nowMs).catch(() => -1)
      await eventually(async () => (await pending()) === 0, { timeoutMs, everyMs: 200 })
    },
    /** No more orders; when nothing is on its way any more, what is left is judged. */
    conclude: async () => {
      await load.stop()
      const faults = (await quiesce(asked, 180_000)) ? [] : ['something is still on its way']
      await load.untilReceived(60_000).catch(() => {}) // the verdict names who was not told
      const deadLetters = await takeDeadLetters(asked, [])
      const inBroker = { owed: await owedEverywhere(asked), deadLetters }
      const verdict = verdictOf(history, await readFinalState(databases, inBroker))
      return { verdict, faults, deadLetters }
    },
    [Symbol.asyncDispose]: async () => {
      load.close()
      await Promise.all([databases.orders.close(), databases.payments.close()])
      await project[Symbol.asyncDispose]()
    },
  }
}

export const managementUrl = ({ managementPort }: Project) =>
  `http://admin:rabbitmq-for-development@127.0.0.1:${managementPort}`

function openDatabases(ordersPort: number, paymentsPort: number) {
  const url = (port: number, database: string) =>
    `postgres://postgres:postgres-for-development@127.0.0.1:${port}/${database}`
  const name = 'checker'
  return {
    orders: connectDatabase<OrdersDatabase>({ name, url: url(ordersPort, 'orders_db') }),
    payments: connectDatabase<PaymentsDatabase>({ name, url: url(paymentsPort, 'payments_db') }),
  }
}

function containersIn(project: Project) {
  const containersOf = async (service: string) =>
    lines(await project.compose('ps', '--all', '--format', '{{.Name}}', service)).sort()
  const untilHealthy = async (name: string) => {
    const health = () => project.docker('inspect', '--format', '{{.State.Health.Status}}', name)
    await eventually(async () => (await health()) === 'healthy', {
      timeoutMs: 120_000,
      everyMs: 500,
    })
  }
  return {
    containersOf,
    untilHealthy,
    containerOf: async (service: string) => (await containersOf(service))[0] as string,
    kill: (name: string) => project.docker('kill', '--signal', 'KILL', name),
    /**
     * Tried until it is frozen. With the first version of control groups runc says "unable to
     * freeze" where a process is just being started in the container, as each health check is, and
     * leaves it to who called to try again: https://github.com/opencontainers/runc/pull/4388.
     */
    pause: (name: string) => eventually(() => project.docker('pause', name)),
    /** An engine starts nothing again that an operator has killed. */
    startAgain: (name: string) => project.docker('start', name),
    scale: (services: string[], count: number) =>
      project.compose(
        ...['up', '--detach', '--no-deps', '--no-recreate', '--wait'],
        ...services.flatMap((name) => ['--scale', `${name}=${count}`]),
        ...services,
      ),
  }
}

type Harm = 'delete' | 'purge' | 'unbind'

function brokerOf(project: Project, { manage }: { manage: ReturnType<typeof managementOf> }) {
  return {
    depth: async (queue: string) => {
      const { messages = 0 } = (await manage('GET', `/queues/%2F/${queue}`)) as {
        messages?: number
      }
      return messages
    },
    /** As with a new disk. */
    wipeBroker: async () => {
      const [name] = lines(await project.compose('ps', '--format', '{{.Project}}', 'rabbitmq'))
      await project.compose('rm', '--force', '--stop', 'rabbitmq')
      await project.docker('volume', 'rm', `${name}_rabbitmq`)
      await project.compose('up', '--detach', '--no-deps', '--wait', 'rabbitmq')
    },
    harmQueue: async (queue: string, harm: Harm) => {
      await eventually(() => manage('GET', `/queues/%2F/${queue}`)) // its reader may have to declare it again
      if (harm === 'delete') await manage('DELETE', `/queues/%2F/${queue}`)
      if (harm === 'purge') await manage('DELETE', `/queues/%2F/${queue}/contents`)
      if (harm !== 'unbind') return
      const { exchange } = queueNamed(queue)
      for (const { routingKey } of Object.values(routes).filter((to) => to.exchange === exchange)) {
        await manage('DELETE', `/bindings/%2F/e/${exchange}/q/${queue}/${routingKey}`)
      }
    },
  }
}

function queueNamed(name: string) {
  const found = Object.values(queues).find(({ queue }) => queue === name)
  if (!found) throw new Error(`There is no queue ${name}`)
  return found
}
