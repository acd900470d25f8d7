import type { IncomingMessage } from 'node:http'
import type { WebSocket } from 'ws'
import type { Logger } from '#chassis/logger.ts'
import { tokenExpiredCode } from '#contracts/orders-ws.ts'
import { documentOf, Problem } from '#http/problem.ts'
import { givenRequestId } from '#http/request-id.ts'
import type { Principal } from '#principal/principal.ts'
import { leewayMs } from '#principal/verifier.ts'
import type { TooMany } from './connection-counts.ts'
import { ConnectionWriter } from './connection-writer.ts'
import type { PaceLimits } from './pace.ts'
import { RequestLine } from './request-line.ts'
import {
  type Message,
  parseMessage,
  parseRequest,
  requestedTarget,
  type SubscriptionRequest,
  subscribeMessagesIn,
} from './requests.ts'
import type { StatusFeed } from './status-feed.ts'
import type { Subscriber } from './subscriber.ts'

export interface ConnectionOptions {
  feed: StatusFeed
  logger: Logger
  /** How fast a client may ask. */
  pace: PaceLimits
  /** Something was refused to a client, or the client was disconnected. */
  onRefused?: (reason: Refusal) => void
}

export type Refusal =
  | 'handshake'
  | TooMany
  | 'message'
  | 'message-too-large'
  | 'message-in-pieces'
  | 'too-fast'
  | 'subscription-limit'
  | 'slow-client'
  | 'unreadable'

/**
 * Serves one client until it closes, or its token expires: its requests one after another, a bad
 * request with a problem.
 */
export function serveConnection(
  principal: Principal,
  client: WebSocket,
  request: IncomingMessage,
  { feed, logger, pace, onRefused }: ConnectionOptions,
): void {
  const instance = givenRequestId(request) ?? crypto.randomUUID()
  const writer = new ConnectionWriter(client, () => onRefused?.('slow-client'))
  const writeError = (target: object, problem: Problem) =>
    writer.write({ type: 'error', ...target, problem: documentOf(problem, instance) })
  const subscriber: Subscriber = {
    principal,
    push: (order) => writer.write({ type: 'order', ...order }),
    pushUnknown: (order_id) => writeError({ order_id }, noSuchOrder(order_id)),
    drained: () => writer.drained(),
    disconnect: () => {
      onRefused?.('unreadable')
      writer.disconnect('orders cannot be read at the moment')
    },
  }
  const handle = async (read: () => Message) => {
    let message: Message = {}
    try {
      message = read()
      await apply(feed, subscriber, parseRequest(message))
    } catch (error) {
      if (!(error instanceof Problem))
        logger.error({ err: error, request_id: instance }, 'a request failed')
      else onRefused?.(error.message === tooMany ? 'subscription-limit' : 'message')
      writeError(requestedTarget(message), error instanceof Problem ? error : internalError())
    }
  }
  // A subscription of a client that has closed would never be removed: the line handles none.
  const line = new RequestLine(client, pace, () => {
    onRefused?.('too-fast')
    writer.disconnect('too many requests at once', policyViolation)
  })
  client.on('message', (data, isBinary) => {
    const read = () => parseMessage(isBinary ? undefined : data.toString())
    line.add(() => handle(read))
  })
  for (const frame of ['ping', 'pong']) client.on(frame, () => line.add())
  client.on('error', (error: Error & { code?: string }) => {
    logger.debug({ err: error, request_id: instance }, 'a client went wrong')
    const reason = refusedFrames[error.code ?? '']
    if (reason) onRefused?.(reason)
  })
  const expiring = whenExpired(principal, () => {
    writer.disconnect('the token has expired', tokenExpiredCode)
  })
  client.on('close', () => {
    clearTimeout(expiring)
    feed.remove(subscriber)
  })
  for (const message of subscribeMessagesIn(new URL(request.url ?? '', 'ws://any'))) {
    line.add(() => handle(() => message))
  }
}

/** RFC 6455, 7.4.1. */
const policyViolation = 1008

/** What `ws` itself closes a connection for. */
const refusedFrames: Record<string, Refusal> = {
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 'message-too-large',
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 'message-in-pieces',
}

async function apply(
  feed: StatusFeed,
  subscriber: Subscriber,
  { action, target }: SubscriptionRequest,
): Promise<void> {
  if (action === 'unsubscribe') return feed.unsubscribe(subscriber, target)
  if (target.kind === 'user' && !subscriber.principal.owns(target.id)) throw noSuchUser(target.id)
  if ((await feed.subscribe(subscriber, target)) === 'ok') return
  throw new Problem(422, tooMany)
}

function whenExpired(principal: Principal, act: () => void): NodeJS.Timeout | undefined {
  const connectionMs = principal.connectionMs(leewayMs)
  return connectionMs === undefined ? undefined : setTimeout(act, connectionMs)
}

/** The orders of another user are not shown, as if there were no such user. */
const noSuchUser = (userId: string) => new Problem(404, `There is no user ${userId}.`)
const tooMany = 'A connection may follow 100 orders and users; unsubscribe one first.'

const noSuchOrder = (orderId: string) => new Problem(404, `There is no order ${orderId}.`)

const internalError = () =>
  new Problem(500, 'An internal error occurred. The logs have its cause under this instance.')
