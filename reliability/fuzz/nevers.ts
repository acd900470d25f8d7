import { type ProblemType, problemHead, problemKinds } from '#contracts/problem-types.ts'
import { assertDocumented, assertDocumentedMessage } from '#testing/documented.ts'
import type { RawAnswer, RawExchange } from '#testing/raw-http.ts'

/** What must never be, whatever came in: says what is wrong, if it is. */
export type Never<Seen> = (seen: Seen) => string | undefined | false

/** What was sent and what came back, of one HTTP connection. */
export interface HttpSeen extends RawExchange {
  sent: string
  /** What only another user may read. */
  secrets: readonly string[]
}

export const httpNevers: Record<string, Never<HttpSeen>> = {
  'answers with 5xx': ({ answers }) => {
    const found = answers.find(({ status }) => status >= 500)
    return found && `${found.status} ${found.body}`
  },
  'answers as no document says': ({ sent, answers }) =>
    first(answers, (answer, index) => undocumented(sent, answer, index > 0)),
  'answers with what is no HTTP': ({ sent, rest }) =>
    rest !== '' &&
    hasVersion(sent) &&
    `after the answers came ${JSON.stringify(rest.slice(0, 200))}`,
  'answers with much more than was asked': ({ sent, answers }) =>
    first(answers, ({ status, size }) => status >= 400 && tooLarge(size, sent.length)),
  "tells another user's data": ({ answers, secrets }) =>
    leaked(answers.map(({ body, headers }) => body + JSON.stringify(headers)), secrets), // biome-ignore format: one line
  'keeps a connection open for ever': ({ isClosed }) => !isClosed && 'it was not closed in time',
}

/** What came back on a WebSocket. */
export interface SocketSeen {
  sent: string
  /** How many messages it was, at most. */
  messages: number
  /** Undefined if the handshake was answered with something else than 101. */
  received: readonly { opcode: number; payload: string }[] | undefined
  rest: string
  isClosed: boolean
  secrets: readonly string[]
}

/** RFC 6455, 7.4: what a server may say of a client, or of itself, or repeat after the client. */
const isCloseCode = (code: number): boolean =>
  [1000, 1002, 1003, 1007, 1008, 1009].includes(code) || (code >= 3_000 && code < 5_000)

/** In a word, what a frame of the server is. */
export function endingOf({ opcode, payload }: { opcode: number; payload: string }): string {
  if (opcode === 8) return `closed with ${payload && closeCode(payload)}`
  if (opcode !== 1) return `opcode ${opcode}`
  return /"status":(?:"\w+"|\d+)/.exec(payload)?.[0].slice(9) ?? 'odd'
}

const closeCode = (payload: string): number => Buffer.from(payload, 'latin1').readUInt16BE()

export const socketNevers: Record<string, Never<SocketSeen>> = {
  'refuses a handshake that is right': ({ received }) => !received && 'the answer is not 101',
  'answers with 5xx': ({ received = [] }) =>
    first(messagesIn(received), (text) => /"status":5\d\d/.test(text) && text),
  'answers as no document says': ({ received = [] }) =>
    first(messagesIn(received), undocumentedMessage),
  'closes with a code that nobody knows': ({ received = [] }) =>
    first(received, ({ opcode, payload }) => {
      if (opcode !== 8 || payload === '') return false
      const code = closeCode(payload)
      return !isCloseCode(code) && `closed with ${code}`
    }),
  'answers with what is no frame': ({ rest }) => rest !== '' && JSON.stringify(rest),
  'answers with much more than was asked': ({ received = [], sent, messages }) =>
    tooLarge(messagesIn(received).filter(isError).join('').length, sent.length, messages),
  "tells another user's data": ({ received = [], secrets }) =>
    leaked(messagesIn(received), secrets),
  'keeps a connection open for ever': ({ isClosed }) => !isClosed && 'it was not closed in time',
}

/** What became of one AMQP message. */
export interface MessageSeen {
  content: string
  letters: readonly { content: string; reason: string; error: string }[]
  /** Whether the inbox of its consumer has the id that it names. */
  isHandled: boolean
  /** Whether the AsyncAPI document knows such an event. */
  isEvent: boolean
}

const reasons = [
  ...['not-json', 'doubled-key', 'unknown-type', 'unknown-version', 'not-the-schema', 'too-large'],
  ...['contradiction', 'unknown-order', 'refund-without-payment'],
]

export const messageNevers: Record<string, Never<MessageSeen>> = {
  'loses a message': ({ letters, isHandled }) =>
    letters.length === 0 && !isHandled && 'it is no dead letter, and was not handled',
  'handles what is no event': ({ isEvent, isHandled, letters }) =>
    !isEvent && isHandled && letters.length === 0 && 'its id is in the inbox',
  'sets an event aside for a reason that nobody knows': ({ letters }) =>
    first(letters, ({ reason }) => !reasons.includes(reason) && `because of ${reason}`),
  'changes a message that it sets aside': ({ letters, content }) =>
    first(letters, (letter) => letter.content !== content && 'the content is another one'),
  'says much more of it than it holds': ({ letters }) =>
    first(letters, ({ error }) => error.length > 1_000 && `${error.length} characters`),
}

/** Every never that is broken, as `name: what is wrong`. */
export const broken = <Seen>(nevers: Record<string, Never<Seen>>, seen: Seen): string[] =>
  Object.entries(nevers).flatMap(([name, isBroken]) => {
    const what = isBroken(seen)
    return what ? [`${name}: ${what}`] : []
  })

/** Those that ended without being told to: by the pids before and after. */
export const stopped = (before: Record<string, number>, after: Record<string, number>): string[] =>
  Object.keys(before).flatMap((name) =>
    before[name] === after[name] ? [] : [`stops a process: ${name}`],
  )

function first<T>(
  all: readonly T[],
  complain: (one: T, index: number) => string | undefined | false,
): string | undefined {
  for (const [index, one] of all.entries()) {
    const what = complain(one, index)
    if (what) return what
  }
  return undefined
}

/** Errors say what is wrong in a page at most, and may repeat what was sent. */
const tooLarge = (size: number, asked: number, times = 1) =>
  size > times * 2_000 + 4 * asked && `${size} bytes for ${asked}`

const leaked = (texts: string[], secrets: readonly string[]) =>
  first(secrets, (secret) => texts.some((text) => text.includes(secret)) && `it has ${secret}`)

/** Only HTTP/0.9 has none in its request line, nor anything but a body in its answer. */
const hasVersion = (sent: string): boolean => /^[^\r\n]* HTTP\/\d/.test(sent)

/**
 * A second answer on a connection is to what was left of the request; nobody knows its call. Past
 * the gateway, a request for another protocol is none of the calls, whatever its path.
 */
function undocumented(sent: string, answer: RawAnswer, isLater: boolean): string | undefined {
  const [, method = '', target = ''] = /^(\S+) (\S+) HTTP\/1\.\d\r?\n/.exec(sent) ?? []
  const { status, headers, body } = answer
  try {
    if (status >= 400) assertProblem(answer, sent.startsWith('HEAD ') && !isLater)
    const isPlain = URL.parse(target, 'http://any')?.pathname === target.split('?', 1)[0]
    const isPlainCall = isPlain && /^(?:GET|POST)$/.test(method) && !/^upgrade:/im.test(sent)
    const isOfCall = !isLater && isPlainCall
    const contentType = headers['content-type'] ?? ''
    if (isOfCall && /json/.test(contentType)) {
      assertDocumented({ method, path: target, status, contentType, body: JSON.parse(text(body)) })
    }
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** A problem of a known type, with what goes with its status. */
function assertProblem({ status, headers, body }: RawAnswer, isToHead: boolean): void {
  if (!headers['content-type']?.startsWith('application/problem+json'))
    throw new Error(`${status} is no problem document but ${headers['content-type']}: ${body}`)
  for (const [of, name] of needed) {
    if (status === of && !headers[name]) throw new Error(`${status} without ${name}`)
  }
  if (isToHead && body === '') return
  const problem = JSON.parse(text(body))
  const type = String(problem.type).replace('/problems/', '') as ProblemType
  if (!(type in problemKinds)) throw new Error(`nobody knows the problem ${problem.type}`)
  const head = problemHead(type)
  if (head.status !== status || head.title !== problem.title || problem.status !== status)
    throw new Error(`${body} does not go with ${status}`)
  if (problem.instance !== headers['x-request-id'])
    throw new Error(`${problem.instance} is not the request id ${headers['x-request-id']}`)
}

const needed = [[405, 'allow'], [429, 'retry-after'], [401, 'www-authenticate'], [426, 'upgrade']] as const // biome-ignore format: one line

/** Bytes as what they say in UTF-8, which they must be in. */
const text = (body: string): string =>
  new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(body, 'latin1'))

const messagesIn = (received: NonNullable<SocketSeen['received']>): string[] =>
  received.flatMap(({ opcode, payload }) => (opcode === 1 ? [payload] : []))

const isError = (message: string): boolean => message.startsWith('{"type":"error"')

function undocumentedMessage(message: string): string | undefined {
  try {
    const value = JSON.parse(text(message))
    assertDocumentedMessage(value.type === 'order' ? 'OrderMessage' : 'ErrorMessage', value)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
