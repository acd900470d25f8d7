import type { Order } from '#contracts/orders-http.ts'
import type { Principal } from '#principal/principal.ts'

/** What a subscription is about: one order, or every order of one user. */
export interface Target {
  kind: 'order' | 'user'
  id: string
}

/** A connection that subscribes to orders. Its functions must not throw. */
export interface Subscriber {
  /** Whose orders it may see. */
  readonly principal: Principal
  /** Sends the present state of an order. */
  push: (order: Order) => void
  /** There is no such order; its subscription has ended. */
  pushUnknown: (orderId: string) => void
  /**
   * Resolves when most of what was pushed has left the process, or nothing can be sent any more.
   */
  drained: () => Promise<void>
  /** Orders could not be read for too long: the client should connect to another replica. */
  disconnect: () => void
}
