import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { freePorts } from '#testing/free-ports.ts'
import type { Server } from '#testing/private-servers.ts'
import { startRabbitmq } from '#testing/private-servers.ts'
import { controlOf } from '#testing/servers.ts'

/** A RabbitMQ that can be harmed in every way. */
export interface Broker extends Server {
  url: string
  managementUrl: string
  /** Kills it, takes its disk away, and starts it again. */
  wipe: () => Promise<void>
  /**
   * As if it had run out of memory, or of disk: all publishers are blocked, everything else goes
   * on.
   */
  setAlarm: (on: boolean, of?: Resource) => Promise<void>
  /** The HTTP API of the management plugin: parsed JSON, or an error with what it said. */
  manage: (method: string, path: string, body?: object) => Promise<unknown>
  /** Puts a message through an exchange; resolves when a queue has it. */
  publish: (message: Message) => Promise<void>
}

export type Resource = 'memory' | 'disk'

/** What rabbitmqctl sets: a limit that is exceeded at once, and the one that is usual. */
const alarms = {
  memory: { command: 'set_vm_memory_high_watermark', exhausted: '0.00001', usual: '0.4' },
  disk: { command: 'set_disk_free_limit', exhausted: '900000GB', usual: '50MB' },
}

export interface Message {
  exchange: string
  routingKey: string
  messageId: string
  content: Buffer | string
}

export async function startBroker(dir: string): Promise<Broker> {
  const [amqp = 0, management = 0, distribution = 0, epmd = 0] = await freePorts(4)
  const ports = { amqp, management, distribution, epmd }
  const server = await startRabbitmq({ dir, ports })
  const control = controlOf(join(dir, 'rabbitmq'), ports)
  const manage = managementOf(server.managementUrl)
  return Object.assign(server, {
    wipe: async () => {
      await server.kill()
      rmSync(join(dir, 'rabbitmq', 'mnesia'), { recursive: true, force: true })
      await server.restart()
    },
    setAlarm: (on: boolean, of: Resource = 'memory') => {
      const { command, exhausted, usual } = alarms[of]
      return control(command, on ? exhausted : usual)
    },
    manage,
    publish: async ({ exchange, routingKey, messageId, content }: Message) => {
      const answer = await manage('POST', `/exchanges/%2F/${exchange}/publish`, {
        properties: {
          message_id: messageId,
          delivery_mode: 2,
          content_type: 'application/cloudevents+json',
        },
        routing_key: routingKey,
        payload: Buffer.from(content).toString('base64'),
        payload_encoding: 'base64',
      })
      if (!(answer as { routed: boolean }).routed)
        throw new Error(`${exchange} has no queue for it`)
    },
  })
}

/** The management API at this address, with user and password in it. */
export function managementOf(managementUrl: string): Broker['manage'] {
  const { origin, username, password } = new URL(managementUrl)
  return async (method, path, body) => {
    const response = await fetch(`${origin}/api${path}`, {
      method,
      headers: {
        authorization: `Basic ${btoa(`${username}:${password}`)}`,
        'content-type': 'application/json',
        connection: 'close',
      },
      signal: AbortSignal.timeout(30_000),
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return text && JSON.parse(text)
  }
}
