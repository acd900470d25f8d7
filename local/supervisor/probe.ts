import { get } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'

const answerTimeoutMs = 2_000

/** Whether a URL, which may have user and password, answers with 200. */
export const answersOk = (url: string): Promise<boolean> => answersWith(200, url)

/** Whether it answers with this status. */
export const answersWith = async (status: number, url: string): Promise<boolean> =>
  (await ask(url)).status === status

/** The body of the answer, whatever its status; empty without an answer. */
export const answerOf = async (url: string): Promise<string> => (await ask(url)).body

/** Closes the connection afterwards: an idle one would delay the stop of the server. */
function ask(url: string): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve) => {
    const nothing = () => resolve({ status: undefined, body: '' })
    const request = get(url, { agent: false, timeout: answerTimeoutMs }, (response) => {
      const { statusCode: status } = response
      text(response).then((body) => resolve({ status, body }), nothing)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', nothing)
  })
}

export type Address = { host: string; port: number } | { path: string }

/** Whether a server listens on the port of this machine. */
export const acceptsConnections = (port: number): Promise<boolean> =>
  accepts({ port, host: '127.0.0.1' })

/** Whether a server listens at the address. */
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
