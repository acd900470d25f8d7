import { once } from 'node:events'
import { WebSocket } from 'ws'
import { isPending } from '#contracts/order-states.ts'
import { userId } from './requests.ts'
import type { Watch } from './watch.ts'

/** As many as one connection may follow. */
const usersPerSocket = 100

/** Follows all orders of so many users through the gateway; tells of each that became final. */
export async function watchUsers(
  gateway: string,
  users: number,
  onFinal: (orderId: string, status: string) => void,
): Promise<Watch> {
  const url = `${gateway.replace(/^http/, 'ws')}/orders/ws`
  const watching = Array.from({ length: Math.ceil(users / usersPerSocket) }, async (_, index) => {
    const socket = new WebSocket(url)
    await once(socket, 'open')
    const first = index * usersPerSocket
    const count = Math.min(users - first, usersPerSocket)
    await follow(
      socket,
      Array.from({ length: count }, (_, user) => userId(first + user)),
    )
    socket.on('message', (data) => {
      const { order_id, status } = JSON.parse(data.toString())
      if (!isPending(status)) onFinal(order_id, status)
    })
    return socket
  })
  const sockets = await Promise.all(watching)
  return {
    add: () => {},
    cpuMs: () => 0,
    close: () => {
      for (const socket of sockets) socket.close()
    },
  }
}

/**
 * Requests are handled in turn, so that the answer to a wrong one says that those before are in
 * force.
 */
async function follow(socket: WebSocket, users: string[]): Promise<void> {
  for (const user_id of users) socket.send(JSON.stringify({ type: 'subscribe', user_id }))
  socket.send('{}')
  const [answer] = await once(socket, 'message')
  const { type, problem } = JSON.parse(answer.toString())
  if (type !== 'error' || !problem.detail.includes('"subscribe"')) {
    throw new Error(`following did not begin: ${answer}`)
  }
}
