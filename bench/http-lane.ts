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
export class HttpLane {
  readonly #socket: Socket
  readonly #head: string
  #answer: PromiseWithResolvers<HttpAnswer> | undefined
  #received = ''

  private constructor(socket: Socket, url: URL) {
    this.#socket = socket
    this.#head = `POST ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nContent-Type: application/json\r\n`
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => this.#take(chunk))
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', () => this.#answer?.reject(new Error('The server closed the connection')))
  }

  static async connect(address: string): Promise<HttpLane> {
    const url = new URL(address)
    const socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true })
    await once(socket, 'connect')
    return new HttpLane(socket, url)
  }

  /** The body is ASCII. */
  post(body: string): Promise<HttpAnswer> {
    this.#answer = Promise.withResolvers()
    this.#socket.write(`${this.#head}Content-Length: ${body.length}\r\n\r\n${body}`)
    return this.#answer.promise
  }

  close(): void {
    this.#socket.destroy()
  }

  /** Answers have a Content-Length: ours do, through nginx too. */
  #take(chunk: string): void {
    this.#received += chunk
    const end = this.#received.indexOf('\r\n\r\n')
    if (end === -1) return
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(this.#received.slice(0, end))?.[1])
    const body = this.#received.slice(end + 4, end + 4 + length)
    if (!(body.length === length)) return
    const status = Number(this.#received.slice(9, 12))
    this.#received = ''
    this.#answer?.resolve({ status, body })
  }
}
