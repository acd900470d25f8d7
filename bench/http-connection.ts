import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface HttpAnswer {
  status: number
  body: string
}

/**
 * One keep-alive connection that posts one JSON body after another. As little work as possible: the
 * load generator shares the machine with what it measures.
 */
export class HttpConnection {
  readonly #url: URL
  readonly #head: string
  #socket: Socket
  /** nginx ends a connection after a thousand requests, and says so with the last answer. */
  #isLast = false
  #answer: PromiseWithResolvers<HttpAnswer> | undefined
  #received = ''

  private constructor(socket: Socket, url: URL) {
    this.#url = url
    this.#socket = this.#listenTo(socket)
    this.#head = `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\n`
  }

  static async connect(address: string): Promise<HttpConnection> {
    const url = new URL(address)
    return new HttpConnection(await dial(url), url)
  }

  /** The body is ASCII. */
  async post(body: string, idempotencyKey?: string): Promise<HttpAnswer> {
    if (this.#isLast) this.#socket = this.#listenTo(await dial(this.#url))
    this.#isLast = false
    this.#answer = Promise.withResolvers()
    const key = idempotencyKey ? `Idempotency-Key: ${idempotencyKey}\r\n` : ''
    this.#socket.write(`${this.#head}${key}Content-Length: ${body.length}\r\n\r\n${body}`)
    return this.#answer.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  #listenTo(socket: Socket): Socket {
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => this.#take(chunk))
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => {
      if (socket === this.#socket && !this.#isLast) this.#answer?.reject(closed())
    })
    return socket
  }

  /** Answers have a Content-Length: ours do, through nginx too. */
  #take(chunk: string): void {
    this.#received += chunk
    const end = this.#received.indexOf('\r\n\r\n')
    if (end === -1) return
    const head = this.#received.slice(0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
    const body = this.#received.slice(end + 4, end + 4 + length)
    if (!(body.length === length)) return
    const status = Number(this.#received.slice(9, 12))
    this.#received = ''
    this.#isLast = /\r\nconnection: close/i.test(head)
    this.#answer?.resolve({ status, body })
  }
}

async function dial(url: URL): Promise<Socket> {
  const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
  await once(socket, 'connect')
  return socket
}

const closed = () => new Error('The server closed the connection')
