/**
 * What was asked of the system: to open an account, to top it up, to take an order, to refund it.
 */
export type CallKind = 'account' | 'topup' | 'order' | 'refund'

/** One call with its Idempotency-Key, however often it was repeated. */
export interface Call {
  kind: CallKind
  userId: string
  key: string
  /** As it was asked; zero for an account, and of a refund what the order is about. */
  amountMinor: bigint
  /** The order of a refund. */
  orderId?: string | undefined
  /** `fail`: refused for good. `unknown`: it may have happened, nobody was told (yet). */
  ending: 'ok' | 'fail' | 'unknown'
  /** Every body that it was answered with. More than one is a broken promise. */
  bodies: Set<string>
}

/** A message that somebody put into the system in order to see it set aside. */
export interface InjectedMessage {
  queue: string
  messageId: string
}

type Line = Record<string, unknown>

/**
 * What the clients asked and what they received: kept outside the system, so that its verdict
 * (verdict.ts) does not rest on what the system remembers. `write` gets each entry as it is made,
 * for a file that outlives the run.
 */
export class History {
  readonly calls: Call[] = []
  /**
   * Each status at rest of each watched order as often as it was told; none yet is an empty list.
   */
  readonly received = new Map<string, string[]>()
  /** Orders that are watched since their refund was accepted: their last status must be told. */
  readonly refundsWatched = new Set<string>()
  readonly injected: InjectedMessage[] = []
  /** Messages that were set aside though nothing was wrong with them, and sent again. */
  readonly redriven: string[] = []
  readonly #write: (line: Line) => void

  constructor(write: (line: Line) => void = () => {}) {
    this.#write = write
  }

  /** Before the first attempt: from here on it may have happened. */
  ask({ kind, userId, key, amountMinor, orderId }: Asking): Call {
    const call: Call = {
      kind,
      userId,
      key,
      amountMinor,
      orderId,
      ending: 'unknown',
      bodies: new Set(),
    }
    this.calls.push(call)
    this.#write({ at: 'ask', kind, userId, key, amountMinor: String(amountMinor), orderId })
    return call
  }

  /** An answer that ends the call: 2xx is `ok`, anything else a refusal for good. */
  answer(call: Call, status: number, body: string): void {
    call.ending = status < 300 ? 'ok' : 'fail'
    if (call.ending === 'ok') call.bodies.add(body)
    this.#write({ at: call.ending, kind: call.kind, key: call.key, status, body })
  }

  /** Somebody follows this order, so somebody must be told. */
  watch(orderId: string): void {
    if (!this.received.has(orderId)) this.received.set(orderId, [])
  }

  watchRefund(orderId: string): void {
    this.watch(orderId)
    this.refundsWatched.add(orderId)
  }

  receive(orderId: string, status: string): void {
    this.received.set(orderId, [...(this.received.get(orderId) ?? []), status])
    this.#write({ at: 'told', orderId, status })
  }

  inject(injected: InjectedMessage): void {
    this.injected.push(injected)
    this.#write({ at: 'inject', ...injected })
  }

  redrive(messageId: string): void {
    this.redriven.push(messageId)
    this.#write({ at: 'redrive', messageId })
  }
}

type Asking = Pick<Call, 'kind' | 'userId' | 'key' | 'amountMinor' | 'orderId'>
