import { exchanges, queues } from '#contracts/topology.ts'
import { installationQueue } from '#messaging/broker/installation.ts'
import { movingQueue } from '#messaging/broker/topology.ts'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { PaymentsDatabase } from '#tables/payments.ts'

/** Of a table: all its columns, or some. */
type Columns<Table> = 'all' | readonly (keyof Table & string)[]

/** `FOR UPDATE` needs `update` of one column at least. */
export interface TableRights<Table = Record<string, unknown>> {
  select?: Columns<Table>
  insert?: Columns<Table>
  update?: Columns<Table>
  delete?: 'all'
}

type Grants<Tables> = { readonly [Name in keyof Tables]?: TableRights<Tables[Name]> }

/**
 * Names of exchanges and queues. To publish needs `write` on the exchange, to consume `read` on the
 * queue, to bind both. To declare a queue that dead-letters needs `configure` and `read` on the
 * queue, and `write` on the exchange of its dead letters.
 */
export interface BrokerRights {
  configure: readonly string[]
  write: readonly string[]
  read: readonly string[]
}

export interface Role {
  summary: string
  orders?: Grants<OrdersDatabase>
  payments?: Grants<PaymentsDatabase>
  /** Without them, there is no user in RabbitMQ. */
  broker?: BrokerRights
}

const read = { select: 'all' } as const
const append = { insert: ['event_id', 'event_type', 'payload_json'] } as const
const keys = { select: 'all', insert: 'all' } as const
const userRequests = { ...keys, update: ['spent_until'], delete: 'all' } as const

/** What the gauges of /metrics are computed from, and where they are kept: by any process. */
const gauges = { ...read, update: ['depth', 'oldest_at', 'computed_at'] } as const
const dueTables = { select: ['table_name', 'due_at'] } as const
const deferredAges = { select: ['deferred_id', 'deferred_at'] } as const
const outboxAges = ['event_id', 'published_at', 'created_at', 'next_attempt_at'] as const
const pendingAges = {
  select: ['status', 'created_at', 'refund_accepted_at', 'timeout_starts_at'],
} as const

const relay = {
  gauges,
  retention: dueTables,
  deferred_events: deferredAges,
  outbox: {
    ...read,
    update: ['published_at', 'publish_attempts', 'next_attempt_at', 'last_error'],
  },
  installation: read,
} as const

/** What retention deletes; its `FOR UPDATE` needs `update` of a column, and `ctid` all of them. */
const expiring = {
  outbox: { ...read, update: ['last_error'], delete: 'all' },
  idempotency_keys: { ...read, update: ['created_at'], delete: 'all' },
  retention: {
    ...read,
    insert: ['table_name', 'retention_ms'],
    update: [
      ...(['retention_ms', 'position', 'deleted', 'deleted_ever'] as const),
      ...(['expired_before', 'due_at', 'finished_at'] as const),
    ],
  },
} as const

const consumer = {
  gauges,
  ...expiring,
  inbox: {
    ...read,
    insert: ['event_id', 'event_type'],
    update: ['event_type'], // for the lock of retention
    delete: 'all',
  },
  attempts: {
    ...read,
    insert: ['event_id', 'started', 'finished', 'last_error'],
    update: ['started', 'finished', 'last_started_at', 'last_error'],
    delete: 'all',
  },
  deferred_events: {
    ...read,
    insert: ['event_id', 'waits_for', 'properties', 'content'],
    update: ['deferred_at'], // for the lock of a claim
    delete: 'all',
  },
  installation: read,
} as const

const decided = ['status', 'failure_reason', 'updated_at'] as const
const passed = ['relayed_at', 'received_at', 'charged_at', 'reply_relayed_at'] as const

/** What requests a payment, or a refund, again. */
const requestAgain = ['request_id', 'request_attempts', 'timeout_starts_at'] as const

/** A new table is decided here: without an entry this does not compile. */
const readOrders: Record<keyof OrdersDatabase, typeof read> = {
  ...{ orders: read, outbox: read, inbox: read, attempts: read, deferred_events: read },
  ...{ idempotency_keys: read, installation: read, gauges: read, retention: read },
  ...{ user_requests: read },
}
const readPayments: Record<keyof PaymentsDatabase, typeof read> = {
  ...{ accounts: read, ledger: read, outbox: read, inbox: read, attempts: read },
  ...{ deferred_events: read, idempotency_keys: read, installation: read },
  ...{ gauges: read, retention: read, user_requests: read },
}

/** The exchange '' in the permissions of RabbitMQ: whoever may write there reaches every queue. */
export const defaultExchange = 'amq.default'

/** A relay does not create the queue that names the owner of the virtual host: a consumer does. */
const relayAt = (exchange: string): BrokerRights => ({
  configure: [exchange, installationQueue],
  write: [exchange],
  read: [installationQueue],
})

const consumerOf = ({ queue, exchange }: { queue: string; exchange: string }): BrokerRights => ({
  configure: [queue, `${queue}.dlq`, exchange, installationQueue],
  write: [queue, defaultExchange],
  read: [queue, exchange, installationQueue],
})

const allQueues = Object.values(queues).flatMap(({ queue }) => [queue, `${queue}.dlq`])
const viewerAtBroker: BrokerRights = { configure: ['operator.lock'], write: [], read: allQueues }

/** To move a queue, it is declared, bound, drained and deleted, and so is the one beside it. */
const movable = allQueues.flatMap((queue) => [queue, movingQueue(queue)])
const editorAtBroker: BrokerRights = {
  configure: [...viewerAtBroker.configure, ...movable],
  write: [...movable, defaultExchange],
  read: [...movable, ...Object.values(exchanges)],
}

const table = {
  'orders-api': {
    summary: 'accepts orders and refunds, and shows orders',
    orders: {
      orders: {
        ...read,
        insert: ['order_id', 'user_id', 'amount', 'request_id'],
        update: [...decided, 'settled_at', 'refund_accepted_at', ...requestAgain],
      },
      outbox: { select: [...outboxAges, 'payload_json'], ...append }, // for the trace of an order
      idempotency_keys: keys,
      user_requests: userRequests,
      deferred_events: deferredAges,
      retention: dueTables,
      gauges,
    },
  },
  'orders-relay': {
    summary: 'publishes the outbox of Orders',
    orders: { ...relay, orders: pendingAges },
    broker: relayAt(exchanges.orders),
  },
  'orders-consumer': {
    summary: 'settles orders, and requests payments again',
    orders: {
      ...consumer,
      orders: {
        ...read,
        update: [...decided, ...passed, ...requestAgain],
      },
      outbox: { ...expiring.outbox, ...append },
    },
    broker: consumerOf(queues.ordersConsumer),
  },
  'payments-api': {
    summary: 'opens accounts, and enters top-ups in the ledger',
    payments: {
      accounts: {
        ...read,
        insert: ['user_id'],
        update: ['balance', 'version', 'updated_at'],
      },
      ledger: { ...read, insert: ['tx_id', 'user_id', 'type', 'amount', 'status'] },
      idempotency_keys: keys,
      user_requests: userRequests,
      outbox: { select: outboxAges },
      deferred_events: deferredAges,
      retention: dueTables,
      gauges,
    },
  },
  'payments-relay': {
    summary: 'publishes the outbox of Payments',
    payments: relay,
    broker: relayAt(exchanges.payments),
  },
  'payments-consumer': {
    summary: 'charges and refunds',
    payments: {
      ...consumer,
      accounts: { ...read, update: ['balance', 'version', 'updated_at'] },
      ledger: {
        ...read,
        insert: ['tx_id', 'order_id', 'user_id', 'type', 'amount', 'status', 'reason'],
      },
      outbox: { ...expiring.outbox, ...append },
    },
    broker: consumerOf(queues.paymentsConsumer),
  },
  'operator-viewer': {
    summary: 'runs the commands of the operator that look',
    orders: readOrders,
    payments: readPayments,
    broker: viewerAtBroker,
  },
  'operator-editor': {
    summary:
      'runs `reconcile --repair`, `dlq redrive`, `dlq discard`, `queue list` and `queue move`',
    orders: {
      ...readOrders,
      orders: { ...read, update: requestAgain },
      outbox: { ...read, ...append, update: ['next_attempt_at'] },
    },
    payments: { ...readPayments, outbox: { ...read, update: ['next_attempt_at'] } },
    broker: editorAtBroker,
  },
} satisfies Record<string, Role>

export type RoleName = keyof typeof table

/** Who may do what, in both databases and at the broker. What is not here, nobody may. */
export const roles: Record<RoleName, Role> = table

export const roleNames = Object.keys(table) as RoleName[]

/** Owns the schemas with all that is in them, and is no process's role. */
export const owner = 'migrations'

export type Login = RoleName | typeof owner

export const logins: readonly Login[] = [...roleNames, owner]

export type Service = 'orders' | 'payments'

/** The roles that may enter the database of a service. */
export const rolesIn = (service: Service): RoleName[] =>
  roleNames.filter((name) => roles[name][service] !== undefined)

/** What a role may do with each table of a service. */
export const rightsOf = (role: RoleName, service: Service) =>
  Object.entries(roles[role][service] ?? {}) as [table: string, rights: TableRights][]
