import { get } from 'node:http'
import { connect } from 'node:net'

const answerTimeoutMs = 2_000

/**
 * Whether the URL, which may hold user and password, answers with 200. The connection is closed
 * afterwards: a kept one would delay the server's own stop.
 */
export function answersOk(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: answerTimeoutMs }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
    request.on('close', () => resolve(false))
  })
}

export type Address = { host: string; port: number } | { path: string }

/** Whether somebody listens on the port of this machine. */
export const acceptsConnections = (port: number): Promise<boolean> =>
  accepts({ port, host: '127.0.0.1' })

/** Whether somebody listens there. */
export function accepts(address: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: answerTimeoutMs })
    socket.on('connect', () => resolve(true))
    socket.on('connect', () => socket.destroy())
    socket.on('timeout', () => socket.destroy())
    socket.on('error', () => resolve(false))
    socket.on('close', () => resolve(false))
  })
}
