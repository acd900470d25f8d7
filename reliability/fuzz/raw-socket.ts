import { connect } from 'node:net'
import type { SocketSeen } from './nevers.ts'

type Received = Pick<SocketSeen, 'received' | 'rest' | 'isClosed'>

interface Sending {
  /** After the handshake. */
  frames: string
  /** After the answers. */
  close: string
  query: string
  token: string
  /** With nothing heard for so long, the client closes, and at last has no more to send. */
  quietMs: number
  patienceMs?: number
}

/**
 * Opens a WebSocket by hand, sends bytes, and resolves with the frames that came back when the
 * server has closed the connection.
 */
export async function exchangeFrames(address: string, sending: Sending): Promise<Received> {
  const { frames, close, query, token, quietMs, patienceMs = 15_000 } = sending
  const { hostname, port } = new URL(address)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  socket.setTimeout(patienceMs, () => socket.destroy(new Error(tooLate)))
  const { promise, resolve } = Promise.withResolvers<boolean>()
  let received = ''
  let quiet: NodeJS.Timeout | undefined
  let hasClosed = false
  const goOn = () => {
    if (hasClosed) socket.end()
    else socket.write(close, 'latin1')
    hasClosed = true
    quiet?.refresh()
  }
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    if (quiet) return void quiet.refresh()
    if (!received.includes('\r\n\r\n')) return
    socket.write(frames, 'latin1')
    quiet = setTimeout(goOn, quietMs)
  })
  socket.on('error', (error) => resolve(error.message !== tooLate))
  socket.on('end', () => socket.end())
  socket.on('close', () => resolve(true))
  socket.write(handshake(query, token), 'latin1')
  const isClosed = await promise
  clearTimeout(quiet)
  return { ...parsed(received), isClosed }
}

const tooLate = 'nothing came for too long'

const handshake = (query: string, token: string) =>
  [
    `GET /orders/ws${query} HTTP/1.1`,
    ...['Host: localhost', `Authorization: Bearer ${token}`, 'Connection: Upgrade'],
    ...['Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
  ].join('\r\n')

function parsed(text: string): Pick<SocketSeen, 'received' | 'rest'> {
  const end = text.indexOf('\r\n\r\n')
  if (!text.startsWith('HTTP/1.1 101 ') || end === -1) return { received: undefined, rest: text }
  const bytes = Buffer.from(text.slice(end + 4), 'latin1')
  const received: { opcode: number; payload: string }[] = []
  let at = 0
  for (;;) {
    const frame = frameAt(bytes, at)
    if (!frame) return { received, rest: bytes.toString('latin1', at) }
    received.push(frame)
    at = frame.end
  }
}

/** A frame of a server: final, without a mask. */
function frameAt(bytes: Buffer, at: number) {
  const [first = 0, second = 0] = bytes.subarray(at)
  const size = { 126: 2, 127: 8 }[second] ?? 0
  const start = at + 2 + size
  if (bytes.length < start || first < 0x80 || second > 127) return undefined
  const length = size === 0 ? second : Number(`0x${bytes.toString('hex', at + 2, start)}`)
  const end = start + length
  if (bytes.length < end) return undefined
  return { opcode: first & 0x0f, payload: bytes.toString('latin1', start, end), end }
}
