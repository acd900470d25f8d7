import { type Dashboard, DashboardCursorSync } from '@grafana/schema'
import { alertLevel, arrange, light, lines, number } from './panels.ts'

/** Of one name: every process of a service shows the same numbers of its database. */
const service = (name: string) => `{service="${name}"}`
const perSecond = (metric: string, by = '') => `sum${by && ` by (${by})`} (rate(${metric}[1m]))`
const quantile = (part: number, metric: string) =>
  `histogram_quantile(${part}, sum by (le) (rate(${metric}_bucket[5m])))`
const stage = (name: string, job: string, description: string, title = name) =>
  light(title, description, alertLevel(`stage="${name}"`, `job="${job}"`))

const accepted =
  'http_server_request_duration_seconds_count{http_route="/orders", http_request_method="POST", http_response_status_code="201"}'
const oldestEvent = (name: string) => `max(outbox_oldest_unpublished_age_seconds${service(name)})`
const inQueue = (queue: string) => `sum(rabbitmq_detailed_queue_messages{queue="${queue}"})`
const handled = (job: string) => perSecond(`inbox_events_total{job="${job}", result="handled"}`)
const published = (job: string) =>
  perSecond(`messaging_client_sent_messages_total{job="${job}", error_type=""}`)

/** The way of an order from the left to the right; a tile is red while an alert of its stage fires. */
const way = [
  stage('accepted', 'orders-api', 'orders-api takes orders'),
  stage('relayed', 'orders-relay', 'orders-relay publishes the outbox of Orders'),
  stage('charged', 'payments-consumer', 'payments-consumer takes the money'),
  stage(
    'reply-relayed',
    'payments-relay',
    'payments-relay publishes the outbox of Payments',
    'reply relayed',
  ),
  stage('settled', 'orders-consumer', 'orders-consumer settles orders'),
  stage('pushed', 'orders-api', 'orders-api pushes the status to subscribers'),
  light('RabbitMQ', 'answers', alertLevel('alertname="BrokerStopped"', 'job="rabbitmq"')),
  light(
    'every order',
    'No order waits too long',
    alertLevel('alertname="OrdersPendTooLong"', 'job="orders-api"'),
  ),
]

/** Under each stage, what waits before it. */
const waitingBefore = [
  number(
    'orders a second',
    [`${perSecond(accepted)} or 0 * max(up{job="orders-api"})`, ''],
    'short',
  ),
  number('oldest event', [oldestEvent('orders'), ''], 's', [15, 60]),
  number('in the queue', [inQueue('payments-consumer'), ''], 'short', [5_000, 50_000]),
  number('oldest event', [oldestEvent('payments'), ''], 's', [15, 60]),
  number('in the queue', [inQueue('orders-consumer'), ''], 'short', [5_000, 50_000]),
  number('subscriptions', ['sum(websocket_subscriptions)', ''], 'short'),
  number(
    'dead letters',
    ['sum(rabbitmq_detailed_queue_messages{queue=~".+\\\\.dlq"})', ''],
    'short',
    [1, 1],
  ),
  number('oldest order', ['max(orders_oldest_pending_age_seconds)', ''], 's', [60, 120]),
]

const waiting = [
  lines('Age of the oldest', 's', [
    ['max by (service) (outbox_oldest_unpublished_age_seconds)', 'outbox of {{service}}'],
    ['max by (service) (deferred_events_oldest_age_seconds)', 'deferred in {{service}}'],
    ['max by (status) (orders_oldest_pending_age_seconds)', '{{status}}'],
  ]),
  lines('How many', 'short', [
    ['max by (service) (outbox_unpublished)', 'outbox of {{service}}'],
    ['max by (service) (deferred_events)', 'deferred in {{service}}'],
    ['max by (status) (orders_pending)', '{{status}}'],
  ]),
  lines('Queues', 'short', [
    ['sum by (queue) (rabbitmq_detailed_queue_messages_ready)', '{{queue}}, ready'],
    ['sum by (queue) (rabbitmq_detailed_queue_messages_unacked)', '{{queue}}, unacknowledged'],
  ]),
]

const flowing = [
  lines('A second', 'short', [
    [perSecond(accepted), 'orders accepted'],
    [published('orders-relay'), 'messages relayed'],
    [handled('payments-consumer'), 'events charged'],
    [published('payments-relay'), 'replies relayed'],
    [handled('orders-consumer'), 'events settled'],
  ]),
  lines('From accepting to settling', 's', [
    [quantile(0.5, 'order_settlement_duration_seconds'), 'median'],
    [quantile(0.95, 'order_settlement_duration_seconds'), '95 %'],
    [quantile(0.99, 'order_settlement_duration_seconds'), '99 %'],
  ]),
  lines('HTTP, 99 %', 's', [
    [
      'histogram_quantile(0.99, sum by (job, le) (rate(http_server_request_duration_seconds_bucket[5m])))',
      '{{job}}',
    ],
  ]),
]

const failing = [
  lines('Turns, transactions and retries that failed', 'short', [
    [perSecond('outbox_turn_failures_total', 'job, error_type'), '{{job}}: {{error_type}}'],
    [perSecond('inbox_transaction_failures_total', 'job, error_type'), '{{job}}: {{error_type}}'],
    [perSecond('inbox_retries_total', 'job, error_type'), '{{job}}: {{error_type}} alone'],
  ]),
  lines('Not published, dead-lettered, requested again', 'short', [
    [
      perSecond('messaging_client_sent_messages_total{error_type!=""}', 'job, error_type'),
      '{{job}}: {{error_type}}',
    ],
    [perSecond('messaging_dead_letters_total', 'job, reason'), '{{job}}: {{reason}}'],
    [perSecond('payment_requests_retried_total'), 'requested again'],
  ]),
  lines('HTTP by status', 'short', [
    [
      perSecond('http_server_request_duration_seconds_count', 'job, http_response_status_code'),
      '{{job}} {{http_response_status_code}}',
    ],
  ]),
]

const processes = [
  lines('Replicas that answer', 'short', [['sum by (job) (up)', '{{job}}']]),
  lines('Since the last turn', 's', [
    ['max by (job, loop) (loop_last_turn_age_seconds)', '{{job}}: {{loop}}'],
  ]),
  lines('Database: answers, connections, callers that wait', 'short', [
    ['min by (job) (database_up)', '{{job}} is answered'],
    [
      'sum by (job) (db_client_connection_count{db_client_connection_state="used"})',
      '{{job}} uses',
    ],
    ['sum by (job) (db_client_connection_pending_requests)', '{{job}} waits'],
  ]),
  lines('CPU', 'percentunit', [[perSecond('process_cpu_seconds_total', 'job'), '{{job}}']]),
  lines('Memory', 'bytes', [['max by (job) (process_resident_memory_bytes)', '{{job}}']]),
  lines('Delays of the event loop (99 %) and of NOTIFY', 's', [
    ['max by (job) (nodejs_eventloop_delay_p99_seconds)', '{{job}}'],
    [
      'histogram_quantile(0.99, sum by (job, le) (rate(notification_lag_seconds_bucket[5m])))',
      'NOTIFY to {{job}}',
    ],
  ]),
]

const servers = [
  lines('RabbitMQ: connections, alarms', 'short', [
    ['sum(rabbitmq_connections)', 'connections'],
    ['max(rabbitmq_alarms_memory_used_watermark)', 'alarm: memory'],
    ['max(rabbitmq_alarms_free_disk_space_watermark)', 'alarm: disk'],
  ]),
  lines('PostgreSQL: connections, deadlocks a second', 'short', [
    [
      'sum by (datname) (pg_stat_database_numbackends{datname=~"orders_db|payments_db"})',
      '{{datname}}',
    ],
    [
      'sum by (datname) (rate(pg_stat_database_deadlocks{datname=~"orders_db|payments_db"}[1m]))',
      'deadlocks in {{datname}}',
    ],
  ]),
  lines('PostgreSQL: size', 'bytes', [
    ['max by (datname) (pg_database_size_bytes{datname=~"orders_db|payments_db"})', '{{datname}}'],
  ]),
]

/** "Is money stuck, and where?" `npm run documents` writes it for Grafana. */
export const dashboard = (): Dashboard => ({
  uid: 'orders-payments',
  title: 'Orders + Payments: is money stuck, and where?',
  description: 'A tile is red while an alert of its stage fires; docs/runbook.md says what to do.',
  schemaVersion: 42,
  editable: false,
  graphTooltip: DashboardCursorSync.Crosshair,
  refresh: '10s',
  time: { from: 'now-30m', to: 'now' },
  timezone: 'browser',
  panels: arrange({
    'Is money stuck, and where? The way of an order, from the left to the right': [
      ...way,
      ...waitingBefore,
    ],
    'What waits': waiting,
    'What flows': flowing,
    'What fails': failing,
    Processes: processes,
    Servers: servers,
  }),
})
