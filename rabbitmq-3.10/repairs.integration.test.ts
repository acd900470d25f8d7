import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import amqp from 'amqplib'
import { withTimeout } from '#chassis/timeout.ts'
import type { BrokerPorts } from '#local/servers/rabbitmq-settings.ts'
import { removeState } from '#local/stack/remove-state.ts'
import { deadLetterQueue, declareTopology } from '#messaging/broker/topology.ts'
import { eventually } from '#testing/eventually.ts'
import { freePorts } from '#testing/free-ports.ts'
import { startRabbitmq } from '#testing/private-servers.ts'
import { controlOf } from '#testing/servers.ts'

describe('a private RabbitMQ', function () {
  this.timeout(120_000)
  const all = { queue: 'all', exchange: 'events', routingKeys: ['happened'] }
  const queues = [all.queue, deadLetterQueue(all.queue)]
  let dir: string
  let ports: BrokerPorts
  let server: Awaited<ReturnType<typeof startRabbitmq>>

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'local-rabbitmq-'))
    const [amqp = 0, management = 0, distribution = 0, epmd = 0] = await freePorts(4)
    ports = { amqp, management, distribution, epmd }
    server = await startRabbitmq({ dir, ports })
    await declareTopology({ name: 'test', url: server.url, topology: { queues: [all] } })
  })

  afterEach(async () => {
    await server?.stop()
    await removeState(dir)
  })

  it('serves all queues again when a kill -9 made it forget which log is whose', async () => {
    await server.kill()
    rmSync(namesFile()) // which holds them only later, if the kill comes right after
    await server.restart()
    assert.ok((await publishToEach()).every((messages) => messages > 0))
  })

  it('serves all queues again when the supervisor of their dead letters has given up', async () => {
    await controlOf(join(dir, 'rabbitmq'), ports)('eval', supervisorGivesUp)
    assert.ok((await publishToEach()).every((messages) => messages > 0))
  })

  // As it was seen: gone for good, and every queue after it, which crashes in vain until then.
  const supervisorGivesUp = `
    ok = supervisor:terminate_child(rabbit_sup, rabbit_fifo_dlx_sup),
    Queues = [Queue || {Queue, _} <- ra_directory:list_registered(quorum_queues)],
    lists:foreach(fun(_) ->
      [exit(Pid, kill) || Queue <- Queues, (Pid = whereis(Queue)) =/= undefined],
      timer:sleep(20)
    end, lists:seq(1, 10)).`

  function namesFile(): string {
    const home = join(dir, 'rabbitmq')
    const node = readFileSync(join(home, 'node-name'), 'utf8').trim()
    return join(home, 'mnesia', node, 'quorum', node, 'names.dets')
  }

  const publishToEach = () => Promise.all(queues.map(publish))

  /** Publishes until the message is confirmed; returns the depth of the queue. */
  const publish = (queue: string) => eventually(() => publishOnce(queue), { timeoutMs: 20_000 })

  /** On a connection of its own. */
  async function publishOnce(queue: string): Promise<number> {
    const connection = await amqp.connect(server.url)
    connection.on('error', () => {})
    try {
      const channel = await connection.createConfirmChannel()
      channel.on('error', () => {})
      channel.sendToQueue(queue, Buffer.from('a message'), { mandatory: true })
      await withTimeout(15_000, `a confirm of ${queue}`, channel.waitForConfirms())
      return (await channel.checkQueue(queue)).messageCount
    } finally {
      await withTimeout(2_000, 'closing', connection.close()).catch(() => {})
    }
  }
})
