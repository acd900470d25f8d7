import type { IncomingMessage, Server } from 'node:http'
import { type WebSocket, WebSocketServer } from 'ws'
import { documentOf, Problem } from '#chassis/http/problem.ts'
import { refuse } from '#chassis/http/refuse.ts'
import { givenRequestId } from '#chassis/http/request-id.ts'
import type { Logger } from '#chassis/logger.ts'
import { statusSocketPath } from '#contracts/orders-ws.ts'
import type { StatusFeed, Watcher } from './status-feed.ts'
import { isSameOrigin, upgradeRequired } from './status-handshake.ts'
import {
  type Message,
  messageIn,
  messagesIn,
  requestOf,
  type StatusRequest,
  targetOf,
} from './status-requests.ts'
import { StatusWriter } from './status-writer.ts'

export interface StatusSocketOptions {
  feed: StatusFeed
  logger: Logger
  /** Between pings; a client that has not answered the last one is cut off. */
  pingMs?: number
}

const maxMessageBytes = 4_096

/**
 * `/orders/ws`: lets clients follow orders on a WebSocket. Requests come in the query of the address
 * or as messages; a bad one is answered with a problem, and the connection stays.
 */
export function serveStatusSocket(
  server: Server,
  { feed, logger, pingMs = 30_000 }: StatusSocketOptions,
) {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
  })
  sockets.on('wsClientError', (error, socket, request) => {
    refuse(socket, new Problem(400, `${error.message}.`), givenRequestId(request))
  })
  const alive = new WeakSet<WebSocket>()
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => {}) // a client that resets while it is refused
    const refusal = refusalOf(request)
    if (refusal) return refuse(socket, refusal, givenRequestId(request))
    sockets.handleUpgrade(request, socket, head, (client) => {
      alive.add(client)
      client.on('pong', () => alive.add(client))
      accept(client, request, feed, logger)
    })
  })
  const pinging = setInterval(() => {
    for (const client of sockets.clients) {
      if (alive.delete(client)) client.ping()
      else client.terminate()
    }
  }, pingMs)

  return {
    /** 1001 to everyone; who does not answer within a second is cut off. */
    close: async () => {
      clearInterval(pinging)
      for (const client of sockets.clients) client.close(1001, 'the server is stopping')
      const cut = setTimeout(() => {
        for (const client of sockets.clients) client.terminate()
      }, 1_000)
      await new Promise<void>((resolve) => sockets.close(() => resolve()))
      clearTimeout(cut)
    },
  }
}

function accept(client: WebSocket, request: IncomingMessage, feed: StatusFeed, logger: Logger) {
  const instance = givenRequestId(request) ?? crypto.randomUUID()
  const writer = new StatusWriter(client)
  const refuseRequest = (target: object, problem: Problem) =>
    writer.write({ type: 'error', ...target, problem: documentOf(problem, instance) })
  const watcher: Watcher = {
    send: (order) => writer.write({ type: 'order', ...order }),
    sendUnknown: (order_id) => refuseRequest({ order_id }, noSuchOrder(order_id)),
    drained: () => writer.drained(),
    giveUp: () => writer.disconnect('orders cannot be read at the moment'),
  }
  const handle = async (read: () => Message) => {
    if (!writer.isOpen) return // what is followed now would never be forgotten
    let message: Message = {}
    try {
      message = read()
      await follow(feed, watcher, requestOf(message))
    } catch (error) {
      if (!(error instanceof Problem)) logger.error({ err: error, instance }, 'a request failed')
      refuseRequest(targetOf(message), error instanceof Problem ? error : internal())
    }
  }
  let last = Promise.resolve() // requests are handled one after another
  const handleNext = (read: () => Message) => {
    last = last.then(() => handle(read))
    return last
  }
  client.on('message', (data, isBinary) => {
    client.pause() // a flood of requests waits in the client's TCP
    const read = () => messageIn(isBinary ? undefined : data.toString())
    void handleNext(read).finally(() => client.resume())
  })
  client.on('error', (error) => logger.debug({ err: error, instance }, 'a client went wrong'))
  client.on('close', () => feed.forget(watcher))
  for (const message of messagesIn(new URL(request.url ?? '', 'ws://any'))) {
    void handleNext(() => message)
  }
}

async function follow(feed: StatusFeed, watcher: Watcher, request: StatusRequest): Promise<void> {
  const { action, target, id } = request
  if (action === 'unsubscribe') {
    if (target === 'order') feed.unfollowOrder(watcher, id)
    else feed.unfollowUser(watcher, id)
    return
  }
  const result =
    target === 'order' ? await feed.followOrder(watcher, id) : await feed.followUser(watcher, id)
  if (result === 'too-many') {
    throw new Problem(422, 'A connection may follow 100 orders and users; unsubscribe one first.')
  }
}

/** Why a request does not become a WebSocket. */
function refusalOf({ method, url = '', headers }: IncomingMessage): Problem | undefined {
  if (!URL.canParse(url, 'ws://any') || new URL(url, 'ws://any').pathname !== statusSocketPath) {
    return new Problem(404, 'There is no WebSocket at this address.')
  }
  if (method !== 'GET') {
    return new Problem(405, 'A WebSocket begins with GET.', { headers: { Allow: 'GET' } })
  }
  if (headers.upgrade?.toLowerCase() !== 'websocket') return upgradeRequired()
  if (isSameOrigin(headers)) return undefined
  return new Problem(403, 'Pages of another origin are not let in.')
}

const noSuchOrder = (orderId: string) => new Problem(404, `There is no order ${orderId}.`)

const internal = () =>
  new Problem(500, 'Something went wrong on our side; the instance names it in the logs.')
