import type { Socket } from 'node:net'
import { aroundHearing, aroundSending, reach } from './fault-points.ts'
import { moduleOf, wrap } from './wrap.ts'

type Fields = Record<string, unknown>
type Callback = (error: unknown, ...rest: unknown[]) => void

/** Sent to a process, it cuts its connections to the broker. */
export const cutSignal = 'SIGUSR2'

const settlements: Record<string, string> = {
  BasicAck: 'ack',
  BasicNack: 'nack',
  BasicReject: 'reject',
}

const sockets = new Set<Socket>()

function keepForCut(socket: Socket): void {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
}

/**
 * Every connection, declaration, message and settlement, rascal's too: it uses amqplib underneath.
 */
export function wrapAmqplib(): void {
  const defs = moduleOf('amqplib', 'lib/defs.js')
  const nameOf = (method: number): string => defs.info(method).name
  const connecting = moduleOf('amqplib', 'lib/connect.js')
  wrap(connecting, 'connect', (connect, _, args) => {
    const [, options] = args as [unknown, { clientProperties?: { connection_name?: string } }]
    const [, ...purpose] = options?.clientProperties?.connection_name?.split(' ') ?? []
    const connected = args.at(-1) as Callback
    const cuttable: Callback = (error, connection) => {
      if (!error) keepForCut((connection as { stream: Socket }).stream)
      connected(error, connection)
    }
    return asked(['connect broker', ...purpose].join(' '), connect, [
      ...args.slice(0, -1),
      cuttable,
    ])
  })
  process.on(cutSignal, () => {
    for (const socket of sockets) socket.destroy(new Error('cut, as planned'))
  })
  const { prototype: channel } = moduleOf('amqplib', 'lib/channel.js').Channel
  wrap(channel, '_rpc', (rpc, _, args) => {
    const [method, fields] = args as [number, Fields]
    return asked(nameRequest(nameOf(method), fields), rpc, args)
  })
  wrap(channel, 'sendMessage', (send, _, args) => {
    const [{ routingKey }] = args as [Fields]
    return aroundSending(`publish ${routingKey}`, () => send(...args))
  })
  wrap(channel, 'sendImmediately', (send, _, args) => {
    const settlement = settlements[nameOf(args[0] as number)]
    return settlement ? aroundSending(settlement, () => send(...args)) : send(...args)
  })
  wrap(channel, 'handleConfirm', (handle, _, args) =>
    aroundHearing('confirm received', () => handle(...args)),
  )
  wrap(channel, 'emit', (emit, _, args) => {
    const [event, message] = args as [string, { fields: Fields } | undefined]
    if (event !== 'delivery' && event !== 'return') return emit(...args)
    const { redelivered, routingKey } = message?.fields ?? {}
    const what = event === 'return' ? 'return' : redelivered ? 'redelivery' : 'delivery'
    return aroundHearing(`${what} of ${routingKey}`, () => emit(...args))
  })
}

/** A call whose last argument hears the answer. */
function asked(point: string, call: (...args: unknown[]) => unknown, args: unknown[]) {
  reach(point, 'before')
  const callback = args.at(-1) as Callback
  const called: Callback = (error, ...rest) => {
    if (!error) reach(point, 'after')
    callback(error, ...rest)
  }
  return call(...args.slice(0, -1), called)
}

/** `QueueDeclare` of a queue becomes `queue declare payments-consumer`. */
function nameRequest(method: string, { queue, exchange }: Fields): string {
  const words = method.replace(/\B[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()
  return [words, queue ?? exchange].filter(Boolean).join(' ')
}
