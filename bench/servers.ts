import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from '#local/free-ports.ts'
import { startPostgres } from '#local/postgres.ts'
import { startRabbitmq } from '#local/rabbitmq.ts'
import { removeState } from '#local/remove-state.ts'
import { migrate } from '#migrations/migrate.ts'

export interface Servers extends AsyncDisposable {
  ordersUrl: string
  paymentsUrl: string
  brokerUrl: string
  /** For logs and pid files of whatever is measured; removed at the end. */
  dir: string
}

/**
 * A PostgreSQL and a RabbitMQ of our own, migrated, until disposed of.
 *
 * Durable as they come: fsync and synchronous_commit are on. `track_commit_timestamp` is the one
 * setting changed, since rates are read from the commits themselves, of both sides alike.
 */
export async function startServers(): Promise<Servers> {
  await using stack = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-bench-'))
  stack.defer(() => removeState(dir))
  const [port = 0, amqp = 0, management = 0, distribution = 0, epmd = 0] = await freePorts(5)

  const postgres = await startPostgres({
    dir,
    port,
    databases: ['orders_db', 'payments_db'],
    settings: { track_commit_timestamp: 'on' },
  })
  stack.defer(postgres.stop)
  const broker = await startRabbitmq({ dir, ports: { amqp, management, distribution, epmd } })
  stack.defer(broker.stop)

  const ordersUrl = postgres.url('orders_db')
  const paymentsUrl = postgres.url('payments_db')
  await migrate(ordersUrl, 'orders')
  await migrate(paymentsUrl, 'payments')
  const started = stack.move()
  return {
    ordersUrl,
    paymentsUrl,
    brokerUrl: broker.url,
    dir,
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
