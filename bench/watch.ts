/** What sees that orders are final. */
export interface Watch {
  add: (orderId: string) => void
  /** CPU time that the database has used for it. */
  cpuMs: () => number
  close: () => void
}

/** Where orders become final, and how long after each look the next one is. */
export interface WatchedRows {
  ordersUrl: string
  everyMs: number
}
