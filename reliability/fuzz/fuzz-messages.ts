import { randomUUID } from 'node:crypto'
import type { ConfirmChannel } from 'amqplib'
import { sql } from 'kysely'
import { until } from '#local/supervisor/waiting.ts'
import type { Databases } from '../judge/read-final-state.ts'
import { DeadLetters, tagHeader } from './dead-letters.ts'
import { eventIn } from './event-documents.ts'
import { count, type Kind } from './fuzz.ts'
import { type MessageCase, messageCases, partsOf } from './inputs/messages.ts'
import { filled } from './inputs/stand-ins.ts'
import { broken, type MessageSeen, messageNevers } from './nevers.ts'
import type { Target } from './target.ts'

/** So long a message may take to its end. */
const endsWithinMs = 15_000

/** A message on its way, and what it consists of. */
interface Sent {
  tag: string
  to: MessageCase['to']
  parts: { content: string; id: string | undefined; isEvent: boolean }[]
}

/** Messages to both consumers. */
export async function messageKind(
  { values }: Target,
  databases: Databases,
  channel: ConfirmChannel,
): Promise<Kind<MessageCase>> {
  const endings = new Map<string, number>()
  const letters = await new DeadLetters().consume(channel)
  const send = (one: MessageCase): Sent => {
    const tag = `fuzz-${randomUUID()}`
    const content = filled(one.content, values)
    channel.publish(one.exchange, one.routingKey, Buffer.from(content, 'latin1'), {
      ...{ messageId: tag, persistent: true, ...one.properties },
      headers: { ...one.headers, [tagHeader]: tag },
    })
    const parts = partsOf({ ...one, content })
    return { tag, to: one.to, parts: parts.map((part) => ({ content: part, ...eventIn(part) })) }
  }
  const attempt = async (cases: MessageCase[]): Promise<string[][]> => {
    const sent = cases.map(send)
    await channel.waitForConfirms()
    let seen: MessageSeen[][] = []
    await until(
      async () => {
        const handled = await handledIn(databases, sent)
        seen = sent.map((one) => seenOf(one, letters.of(one.tag), handled))
        return seen.flat().every(({ isHandled, letters }) => isHandled || letters.length > 0)
      },
      { timeoutMs: endsWithinMs, everyMs: 50 },
    )
    for (const { letters } of seen.flat()) count(endings, letters[0]?.reason ?? 'handled')
    return seen.map((parts) => parts.flatMap((part) => broken(messageNevers, part)))
  }
  const aftermath = () => letters.takeUntagged().flatMap((letter) => strayFaults(letter))
  return { name: 'amqp', cases: messageCases, batchSize: 250, endings, attempt, aftermath }
}

/** A dead letter that nobody here has sent is a reply to what was sent: an event. */
const strayFaults = ({ content, reason }: MessageSeen['letters'][number]): string[] =>
  eventIn(content).isEvent ? [] : [`publishes what is no event: ${reason} of ${content}`]

/** Each letter belongs to the part that it has the content of; a stray one to the first. */
function seenOf({ parts }: Sent, letters: MessageSeen['letters'], handled: Set<string>) {
  const contents = new Set(parts.map(({ content }) => content))
  const strays = letters.filter(({ content }) => !contents.has(content))
  return parts.map(({ content, id, isEvent }, index) => ({
    ...{ content, isEvent, isHandled: id !== undefined && handled.has(id) },
    letters: [
      ...letters.filter((letter) => letter.content === content),
      ...(index === 0 ? strays : []),
    ],
  }))
}

/** The ids that the inbox of either service has. */
async function handledIn(databases: Databases, sent: Sent[]): Promise<Set<string>> {
  const ids = sent.flatMap(({ parts }) => parts.flatMap(({ id }) => id ?? []))
  const found = await Promise.all(
    Object.values(databases).map((db) =>
      sql<{ id: string }>`
        SELECT event_id::text AS id FROM inbox WHERE event_id = ANY (${ids}::uuid[])
      `.execute(db),
    ),
  )
  return new Set(found.flatMap(({ rows }) => rows.map(({ id }) => id)))
}
