import { find, setText } from '#frontend/lib/elements.ts'
import { span } from '../../cli/table.ts'
import type { OutboxStatus } from '../../status/rows.ts'
import type { Status } from '../../status/status.ts'
import { run } from './api.ts'
import { element, type Tone } from './element.ts'
import { say } from './note.ts'

interface Tile {
  name: string
  value: string
  about: string
  tone: Tone
}

/** Reads the status and shows it. */
export async function showStatus(): Promise<void> {
  const { result, error } = await run<Status>('status')
  say('status-note', error === null ? '' : `${error}. What only the broker knows is unknown.`)
  setText('status-at', `as of ${new Date().toLocaleTimeString()}`)
  find('tiles', HTMLElement).replaceChildren(...tilesOf(result).map(tileElement))
  find('retention', HTMLElement).replaceChildren(...retentionRows(result))
}

/** In the order in which an order passes them. */
function tilesOf(status: Status): Tile[] {
  const { orders, outboxes, rates } = status
  const [requests, replies] = ['payments-consumer', 'orders-consumer'] as const
  return [
    waiting('Orders pending', orders.pending, orders.oldest_ms, [
      orders.requested_again > 0 && `requested again ${orders.requested_again} times`,
    ]),
    outboxTile('Outbox of Orders', outboxes.orders, rates['orders-relay']),
    queueTile(requests, status),
    outboxTile('Outbox of Payments', outboxes.payments, rates['payments-relay']),
    queueTile(replies, status),
    deadTile(requests, status),
    deadTile(replies, status),
  ]
}

const lateMs = 60_000

function waiting(name: string, count: number, oldestMs: number | null, more: (string | false)[]) {
  const oldest = count > 0 && oldestMs !== null && `oldest ${span(oldestMs)}`
  const tone: Tone = count > 0 && (oldestMs ?? 0) > lateMs ? 'bad' : 'plain'
  return { name, value: String(count), about: joined(oldest, ...more), tone }
}

const outboxTile = (
  name: string,
  { unpublished, oldest_ms, failing }: OutboxStatus,
  rate: number,
) =>
  waiting(name, unpublished, oldest_ms, [
    failing > 0 && `${failing} failed at first`,
    `${rate} events/s`,
  ])

function queueTile(queue: 'payments-consumer' | 'orders-consumer', status: Status): Tile {
  const name = `Queue ${queue}`
  const found = status.queues?.find((one) => one.queue === queue)
  if (!found) return { name, value: '?', about: 'unknown', tone: 'bad' }
  const { messages, consumers } = found
  if (messages === null) return { name, value: '?', about: 'does not exist', tone: 'bad' }
  const about = joined(`${consumers} consuming`, `${status.rates[queue]} events/s`)
  return { name, value: String(messages), about, tone: consumers === 0 ? 'bad' : 'plain' }
}

function deadTile(queue: string, { dead_letters }: Status): Tile {
  const name = `Dead letters of ${queue}`
  const messages = dead_letters?.find((one) => one.queue === `${queue}.dlq`)?.messages ?? null
  if (messages === null) return { name, value: '?', about: 'unknown', tone: 'bad' }
  const about = messages > 0 ? 'wait for a decision' : 'none'
  return { name, value: String(messages), about, tone: messages > 0 ? 'bad' : 'plain' }
}

const joined = (...parts: (string | false)[]) => parts.filter(Boolean).join(' · ')

const tileElement = ({ name, value, about, tone }: Tile): HTMLElement =>
  element(
    'div',
    { 'data-tone': tone },
    element('dt', {}, name),
    element('dd', {}, value, element('small', {}, about)),
  )

function retentionRows({ retention }: Status): HTMLElement[] {
  return Object.entries(retention).flatMap(([service, tables]) =>
    tables.map(({ table, retention_ms, finished_ms_ago, is_in_progress, deleted }) => {
      const last = finished_ms_ago === null ? 'never' : `${span(finished_ms_ago)} ago`
      const pass = is_in_progress ? 'in progress' : last
      const cells = [`${service}.${table}`, span(retention_ms) ?? '', pass, String(deleted)]
      return element('tr', {}, ...cells.map((cell) => element('td', {}, cell)))
    }),
  )
}
