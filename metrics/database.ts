import type { Pooled, Queryable } from '#chassis/database/connect.ts'
import { type Replication, readReplication, weaknessOf } from '#chassis/database/replication.ts'
import { withTimeout } from '#chassis/timeout.ts'
import type { Service } from '#contracts/event-types.ts'
import { pendingStatuses } from '#contracts/order-states.ts'
import type { Gauge, Metrics } from './metrics.ts'
import {
  type GaugeRow,
  type OverdueTable,
  readGauges,
  readOverdueTables,
  refreshDeferred,
  refreshOutbox,
  refreshPending,
} from './rows.ts'

/** The gauges are computed once in this time, however many processes are asked, however often. */
const maxAgeMs = 10_000
/** A gauge that nobody could compute for so long says nothing any more. */
const staleSeconds = 60
/** For all statements of one scrape. */
const timeoutMs = 2_000

type OpenDatabase = Queryable & Pooled

/**
 * Measures the connections to a database, and what waits in it. Returns the function that gets the
 * opened database. While the database is away, the gauges of it are absent, and `database_up` is 0.
 */
export function measureDatabase(metrics: Metrics, service: Service): (db: OpenDatabase) => void {
  const showWaiting = waitingGauges(metrics, service)
  const showOverdue = overdueGauge(metrics)
  const up = metrics.gauge({
    name: 'database_up',
    help: '1 if the database has answered at this scrape, 0 if not: then its gauges are absent.',
  })
  const showReplication = replicationGauges(metrics)
  const pool = poolGauges(metrics)
  let opened: OpenDatabase | undefined
  /** A read that was given up may still hold a connection: there is one at a time. */
  let reading: Promise<Reading> | undefined
  const read = (db: OpenDatabase): Promise<Reading> => {
    reading ??= readAll(db, service).finally(() => {
      reading = undefined
    })
    return withTimeout(timeoutMs, 'reading the gauges', reading)
  }
  metrics.onScrape(async () => {
    if (opened) pool(opened)
    const found = opened && (await read(opened).catch(() => undefined))
    up.set(found ? 1 : 0)
    showWaiting(found?.waiting ?? [])
    showOverdue(found?.overdue ?? [])
    showReplication(found?.replication)
  })
  return (db) => {
    opened = db
  }
}

interface Reading {
  waiting: GaugeRow[]
  overdue: OverdueTable[]
  replication: Replication | undefined
}

const readAll = async (db: Queryable, service: Service): Promise<Reading> => ({
  waiting: await readWaiting(db, service, maxAgeMs),
  overdue: await readOverdueTables(db),
  replication: await readReplication(db),
})

/** All gauges of a service; those older than `maxAgeMs` are computed before. */
export async function readWaiting(
  db: Queryable,
  service: Service,
  maxAgeMs: number,
): Promise<GaugeRow[]> {
  await refreshOutbox(db, maxAgeMs)
  await refreshDeferred(db, maxAgeMs)
  if (service === 'orders') await refreshPending(db, maxAgeMs)
  const rows = await readGauges(db)
  return rows.filter(({ computed_seconds_ago }) => computed_seconds_ago < staleSeconds)
}

/** Returns a function that shows the rows, and nothing of what has no row. */
function waitingGauges(metrics: Metrics, service: Service): (rows: GaugeRow[]) => void {
  const gauge = (name: string, help: string, labels: string[] = []) =>
    metrics.gauge({ name, help, labels })
  const all: { row: string; labels: object; depth: Gauge; age: Gauge }[] = [
    {
      ...{ row: 'outbox', labels: {} },
      depth: gauge('outbox_unpublished', 'Events to publish, counted up to 100,000.'),
      age: gauge('outbox_oldest_unpublished_age_seconds', 'Age of the oldest unpublished event.'),
    },
    {
      ...{ row: 'deferred_events', labels: {} },
      depth: gauge('deferred_events', 'Events that wait for a locked row, up to 100,000.'),
      age: gauge('deferred_events_oldest_age_seconds', 'Age of the oldest deferred event.'),
    },
  ]
  if (service === 'orders') {
    const names = ['status']
    const depth = gauge('orders_pending', 'Orders that wait for Payments, up to 100,000.', names)
    const help = 'How long the oldest of them waits.'
    const age = gauge('orders_oldest_pending_age_seconds', help, names)
    all.push(...pendingStatuses.map((status) => ({ row: status, labels: { status }, depth, age })))
  }
  return (rows) => {
    const byName = new Map(rows.map((row) => [row.name, row]))
    for (const { row, labels, depth, age } of all) {
      const found = byName.get(row)
      setOrRemove(depth, labels, found?.depth)
      setOrRemove(age, labels, found?.age_seconds)
    }
  }
}

/** Returns a function that shows the tables that expire, and no other. */
function overdueGauge(metrics: Metrics): (tables: OverdueTable[]) => void {
  const overdue = metrics.gauge({
    name: 'retention_overdue_seconds',
    help: 'For how long the next batch of old rows has been due to be deleted; 0: it is not.',
    labels: ['table'],
  })
  return (tables) => {
    overdue.reset()
    for (const { table, overdue_seconds } of tables) overdue.set({ table }, overdue_seconds)
  }
}

/** Returns a function that shows whether the server is a cluster, and whether that one is whole. */
function replicationGauges(metrics: Metrics): (found: Replication | undefined) => void {
  const standbys = metrics.gauge({
    name: 'database_standbys',
    help: 'Standbys of the server that are connected.',
  })
  const degraded = metrics.gauge({
    name: 'database_degraded',
    help: '1 if it has standbys, or had some, and none that is synchronous is connected.',
  })
  return (found) => {
    setOrRemove(standbys, {}, found?.standbys)
    setOrRemove(degraded, {}, found && (weaknessOf(found) ? 1 : 0))
  }
}

function setOrRemove(gauge: Gauge, labels: object, value: number | undefined): void {
  if (value === undefined) gauge.remove(labels)
  else gauge.set(labels, value)
}

/** The pool of a process, by the OpenTelemetry conventions for databases. */
function poolGauges(metrics: Metrics): (db: Pooled) => void {
  const connections = metrics.gauge({
    name: 'db_client_connection_count',
    help: 'Connections of the pool, by state.',
    labels: ['db_client_connection_state'],
  })
  const max = metrics.gauge({
    name: 'db_client_connection_max',
    help: 'Connections that the pool opens at most.',
  })
  const waiting = metrics.gauge({
    name: 'db_client_connection_pending_requests',
    help: 'Callers that wait for a connection.',
  })
  return (db) => {
    const use = db.poolUse()
    connections.set({ db_client_connection_state: 'used' }, use.used)
    connections.set({ db_client_connection_state: 'idle' }, use.idle)
    max.set(use.max)
    waiting.set(use.waiting)
  }
}
