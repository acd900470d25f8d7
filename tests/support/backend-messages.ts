/** The type, and the length of what follows it, four bytes that count themselves. */
const headBytes = 5
const notificationResponse = 'A'
const noBytes = Buffer.alloc(0)

type Phase = 'negotiating' | 'talking' | 'encrypted'

/**
 * The messages of a PostgreSQL server to one client, parsed from chunks of any size. Before the
 * first message, the server answers each encryption request of the client with one byte: after a
 * yes the messages are encrypted, and everything passes.
 */
export class BackendMessages {
  readonly #clientSaid: () => string
  #phase: Phase = 'negotiating'
  #answers = 0
  #isDropped = false
  #head = noBytes
  #restBytes = 0

  /** `clientSaid`: the first bytes of the client until now, as latin1. */
  constructor(clientSaid: () => string) {
    this.#clientSaid = clientSaid
  }

  /** The part of the next chunk to pass on: a notification is dropped completely or not at all. */
  pass(chunk: Buffer, dropsNotifications = false): Buffer {
    const kept: Buffer[] = []
    for (let at = 0; at < chunk.length; ) {
      const bytes = this.#read(chunk.subarray(at), dropsNotifications)
      if (!this.#isDropped) kept.push(chunk.subarray(at, at + bytes))
      at += bytes
    }
    return kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept)
  }

  /** Reads a part of one message from the beginning of the chunk, and returns its length. */
  #read(chunk: Buffer, dropsNotifications: boolean): number {
    if (this.#phase === 'negotiating') this.#phase = this.#phaseAfter(chunk.readUInt8(0))
    if (this.#phase === 'negotiating') return 1
    if (this.#phase === 'encrypted') return chunk.length
    if (this.#restBytes === 0) return this.#readHead(chunk, dropsNotifications)
    const bytes = Math.min(this.#restBytes, chunk.length)
    this.#restBytes -= bytes
    return bytes
  }

  #phaseAfter(byte: number): Phase {
    const said = this.#clientSaid()
    if (said.startsWith(tlsHello)) return 'encrypted' // TLS without a request
    if (!encryptionRequests.some((one) => said.startsWith(one, 8 * this.#answers))) return 'talking'
    this.#answers++
    return byte === codeOf('N') ? 'negotiating' : 'encrypted'
  }

  #readHead(chunk: Buffer, dropsNotifications: boolean): number {
    if (this.#head.length === 0) {
      this.#isDropped = dropsNotifications && chunk.readUInt8(0) === codeOf(notificationResponse)
    }
    const part = chunk.subarray(0, headBytes - this.#head.length)
    this.#head = Buffer.concat([this.#head, part])
    if (this.#head.length === headBytes) {
      this.#restBytes = this.#head.readUInt32BE(1) - (headBytes - 1)
      this.#head = noBytes
    }
    return part.length
  }
}

const codeOf = (letter: string): number => letter.charCodeAt(0)

/** SSLRequest and GSSENCRequest, eight bytes each; a start-up message begins otherwise. */
const encryptionRequests = ['\0\0\0\x08\x04\xd2\x16\x2f', '\0\0\0\x08\x04\xd2\x16\x30']

const tlsHello = '\x16'
