import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import amqp from 'amqplib'
import { deadLetterQueue, declareTopology } from '#chassis/broker/topology.ts'
import { within } from '#chassis/deadline.ts'
import { freePorts } from './free-ports.ts'
import { startRabbitmq } from './rabbitmq.ts'
import { removeState } from './remove-state.ts'

describe('a private RabbitMQ', function () {
  this.timeout(120_000)
  const dir = mkdtempSync(join(tmpdir(), 'local-rabbitmq-'))
  const all = { queue: 'all', exchange: 'events', routingKeys: ['happened'] }

  after(() => removeState(dir))

  it('serves all queues again when a kill -9 made it forget which log is whose', async () => {
    const [amqpPort = 0, management = 0, distribution = 0, epmd = 0] = await freePorts(4)
    const server = await startRabbitmq({
      dir,
      ports: { amqp: amqpPort, management, distribution, epmd },
    })
    try {
      await declareTopology({ name: 'test', url: server.url, topology: { queues: [all] } })
      await server.kill()
      rmSync(namesFile()) // which holds them only later, if the kill comes right after
      await server.restart()
      const queues = [all.queue, deadLetterQueue(all.queue)]
      assert.deepEqual(await Promise.all(queues.map((queue) => put(server.url, queue))), [1, 1])
    } finally {
      await server.stop()
    }
  })

  function namesFile(): string {
    const home = join(dir, 'rabbitmq')
    const node = readFileSync(join(home, 'node-name'), 'utf8').trim()
    return join(home, 'mnesia', node, 'quorum', node, 'names.dets')
  }

  /** Publishes until confirmed, on a connection of its own; says how many the queue then has. */
  async function put(url: string, queue: string): Promise<number> {
    const connection = await amqp.connect(url)
    connection.on('error', () => {})
    try {
      const channel = await connection.createConfirmChannel()
      channel.sendToQueue(queue, Buffer.from('a message'), { mandatory: true })
      await within(15_000, `a confirm of ${queue}`, channel.waitForConfirms())
      return (await channel.checkQueue(queue)).messageCount
    } finally {
      await within(2_000, 'closing', connection.close()).catch(() => {})
    }
  }
})
