/**
 * What is used of a WebSocket: that of browsers and of Node from 22 on, or that of the package
 * `ws`.
 */
export interface Socket {
  readonly readyState: number
  addEventListener(type: 'open' | 'error', listener: () => void): void
  addEventListener(type: 'close', listener: (event: { code: number }) => void): void
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void
  send(text: string): void
  close(): void
}

export type SocketConstructor = new (address: string, protocols?: string[]) => Socket

/** The one that was handed in, or else that of the runtime. Throws where there is none. */
export function socketConstructor(given: SocketConstructor | undefined): SocketConstructor {
  const found = given ?? globalThis.WebSocket
  if (found) return found
  throw new Error(
    'This runtime has no WebSocket (Node has one from version 22 on). Hand one in, such as that of the package ws: new Client({ gateway, WebSocket }).',
  )
}

export const isOpen = (socket: Socket | undefined): socket is Socket => socket?.readyState === 1
