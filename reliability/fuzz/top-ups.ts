import { minorOf } from '#contracts/money.ts'
import type { RawExchange } from '#testing/raw-http.ts'
import type { FinalState } from '../judge/final-state.ts'
import { History } from '../judge/history.ts'
import { moneyFaults } from '../judge/judge-money.ts'

/**
 * What was put into accounts, by the answers of the system: for the judge of money, who compares it
 * with the ledger.
 */
export class TopUps {
  readonly #history = new History()
  /** Requests for more money without an answer: each may have been done. */
  #unanswered = 0

  /** An answer to a top-up. */
  done(amount: string, body: string): void {
    const { user_id: userId } = JSON.parse(body) as { user_id: string }
    const key = `top-up ${this.#history.calls.length}`
    const call = { kind: 'topup', userId, key, amountMinor: minorOf(amount) } as const
    this.#history.answer(this.#history.ask(call), 200, body)
  }

  /** What one connection asked for and got. */
  note(sent: string, { answers }: Pick<RawExchange, 'answers'>): void {
    if (!/\/topup/.test(sent)) return
    if (answers.length === 0) this.#unanswered++
    const amount = /"[^"]*mount"\s*:\s*"?(\d+(?:\.\d\d?)?)/.exec(sent)?.[1] ?? '0'
    for (const { status, body } of answers) {
      if (status === 200 && body.includes('"tx_id"')) this.done(amount, body)
    }
  }

  /** What is wrong with the money, when all has settled. */
  faults(state: FinalState): string[] {
    const all = moneyFaults(this.#history, state)
    const strays = all.filter((fault) => fault.endsWith('belongs to no call'))
    const excused = strays.length > this.#unanswered ? [] : strays
    return all.filter((fault) => !excused.includes(fault)).map((fault) => `makes money: ${fault}`)
  }
}
