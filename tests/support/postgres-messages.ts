/** Type and length, at the beginning of each message of the server. */
const headerBytes = 5
const notificationResponse = 'A'

/** Takes what a PostgreSQL server sends (without TLS) apart into its messages, however it is cut into pieces. */
export class PostgresMessages {
  #rest = Buffer.alloc(0)
  /** Bytes of the present message that are still to come, and whether they are dropped. */
  #openBytes = 0
  #isDropping = false

  /** What of these bytes is passed on. The beginning of a header waits until it is whole. */
  pass(data: Buffer, dropsNotifications = false): Buffer {
    const passed: Buffer[] = []
    let bytes = Buffer.concat([this.#rest, data])
    while (this.#openBytes > 0 ? bytes.length > 0 : bytes.length >= headerBytes) {
      if (this.#openBytes === 0) {
        this.#openBytes = bytes.readUInt32BE(1) + 1
        this.#isDropping =
          dropsNotifications && bytes.toString('latin1', 0, 1) === notificationResponse
      }
      const part = bytes.subarray(0, this.#openBytes)
      if (!this.#isDropping) passed.push(part)
      this.#openBytes -= part.length
      bytes = bytes.subarray(part.length)
    }
    this.#rest = bytes
    return Buffer.concat(passed)
  }
}
