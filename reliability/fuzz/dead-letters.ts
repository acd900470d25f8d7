import type { ConfirmChannel, ConsumeMessage } from 'amqplib'
import { queues } from '#contracts/topology.ts'
import type { MessageSeen } from './nevers.ts'

type Letter = MessageSeen['letters'][number]

/** The header by which a message is known again when it is set aside. */
export const tagHeader = 'fuzz-tag'

/** Takes all dead letters as they come, by the tag of their message. */
export class DeadLetters {
  readonly #byTag = new Map<string, Letter[]>()
  readonly #untagged: Letter[] = []

  async consume(channel: ConfirmChannel): Promise<this> {
    for (const { queue } of Object.values(queues)) {
      await channel.consume(`${queue}.dlq`, (message) => message && this.#take(message), {
        noAck: true,
      })
    }
    return this
  }

  of(tag: string): Letter[] {
    return this.#byTag.get(tag) ?? []
  }

  /** Those of messages that nobody here has sent, each once. */
  takeUntagged(): Letter[] {
    return this.#untagged.splice(0)
  }

  #take({ content, properties: { headers = {}, messageId } }: ConsumeMessage): void {
    const letter = {
      content: content.toString('latin1'),
      reason: String(headers['dead-letter-reason']),
      error: String(headers['last-error']),
    }
    const tag = String(headers[tagHeader] ?? messageId)
    if (!tag.startsWith('fuzz-')) this.#untagged.push(letter)
    else this.#byTag.set(tag, [...this.of(tag), letter])
  }
}
