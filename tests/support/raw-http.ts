import { connect } from 'node:net'

/** An HTTP answer as its bytes say it. */
export interface RawAnswer {
  status: number
  /** By their names in lower case; of a repeated one the last. */
  headers: Record<string, string>
  body: string
  /** With its head. */
  size: number
}

export interface RawExchange {
  answers: RawAnswer[]
  /** What came and is no whole answer. */
  rest: string
  /** False when the server kept the connection open for longer than anybody may wait. */
  isClosed: boolean
}

/**
 * Sends bytes (a text of latin1), and resolves with all that came back when the server has closed
 * the connection. The client says that it has no more to send after the first whole answer, or when
 * none has come by `finishAfterMs`.
 */
export async function exchange(
  address: string,
  bytes: string,
  { patienceMs = 15_000, finishAfterMs }: { patienceMs?: number; finishAfterMs?: number } = {},
): Promise<RawExchange> {
  const { hostname, port } = new URL(address)
  const socket = connect({ host: hostname, port: Number(port) || 80, allowHalfOpen: true })
  socket.setTimeout(patienceMs, () => socket.destroy(new Error(tooLate)))
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let received = ''
  const read = () => answersIn(received, bytes)
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    if (!socket.writableEnded && read().answers.length > 0) socket.end()
  })
  socket.on('error', (error) => resolve(error.message !== tooLate))
  socket.on('end', () => socket.end())
  socket.on('close', () => resolve(true))
  socket.write(bytes, 'latin1')
  const finishing = finishAfterMs && setTimeout(() => socket.end(), finishAfterMs)
  const isClosed = await promise
  clearTimeout(finishing)
  return { ...read(), isClosed }
}

const tooLate = 'nothing came for too long'

/** The answers in what was received, without those that only say that one may go on (1xx). */
function answersIn(received: string, sent: string): Pick<RawExchange, 'answers' | 'rest'> {
  const answers: RawAnswer[] = []
  let rest = received
  for (;;) {
    const answer = answerAtStart(rest, sent.startsWith('HEAD '))
    if (!answer) return { answers, rest }
    rest = rest.slice(answer.size)
    if (answer.status >= 200 || answer.status === 101) answers.push(answer)
  }
}

function answerAtStart(text: string, isToHead: boolean): RawAnswer | undefined {
  const end = text.indexOf('\r\n\r\n')
  const status = Number(/^HTTP\/1\.1 (\d{3})\b/.exec(text)?.[1])
  if (end === -1 || !status) return undefined
  const lines = text.slice(0, end).split('\r\n').slice(1)
  const headers = Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const start = end + 4
  const hasNone = status < 200 || status === 304 || (isToHead && !/^[{<]/.test(text.slice(start)))
  const found = hasNone ? { body: '', length: 0 } : bodyIn(headers, text.slice(start))
  return found && { status, headers, body: found.body, size: start + found.length }
}

/** The body that begins here, and how long it is with its framing; undefined until it is whole. */
function bodyIn({ 'transfer-encoding': coding, ...headers }: RawAnswer['headers'], text: string) {
  if (coding !== 'chunked') {
    const length = Number(headers['content-length'] ?? 0)
    return text.length < length ? undefined : { body: text.slice(0, length), length }
  }
  let body = ''
  for (let at = 0; ; ) {
    const line = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, line), 16)
    if (line === -1 || text.length < line + 2 + size + 2) return undefined
    body += text.slice(line + 2, line + 2 + size)
    at = line + 2 + size + 2
    if (size === 0) return { body, length: at }
  }
}
