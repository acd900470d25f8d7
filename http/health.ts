import type { Middleware } from 'koa'
import { reasonOf } from '#chassis/outage.ts'
import { sendJson } from './json.ts'

export type Check = () => unknown

/**
 * `/livez`: the process runs. `/readyz`: it can do its work, or the list of failing checks, with
 * the reason of each. A process that is told to stop is not ready any more.
 */
export class Health {
  readonly #checks = new Map<string, Check>()

  /**
   * A check fails if it throws or rejects (the error is the reason), returns `false`, or takes
   * longer than 2 s.
   */
  check(name: string, check: Check): void {
    this.#checks.set(name, check)
  }

  readonly middleware: Middleware = async (ctx, next) => {
    if (ctx.path !== '/livez' && ctx.path !== '/readyz') return next()
    const reasons = ctx.path === '/readyz' ? await this.#reasons() : {}
    const failing = Object.keys(reasons)
    const isReady = failing.length === 0
    ctx.status = isReady ? 200 : 503
    sendJson(ctx, isReady ? { status: 'ok' } : { status: 'not ready', failing, reasons })
  }

  /** The failing checks with their reasons. */
  async #reasons(): Promise<Record<string, string>> {
    const all = [...this.#checks].map(async ([name, check]) => [name, await reasonAgainst(check)])
    const entries = (await Promise.all(all)) as [string, string | undefined][]
    return Object.fromEntries(entries.filter(([, reason]) => reason !== undefined)) as Record<
      string,
      string
    >
  }
}

async function reasonAgainst(check: Check): Promise<string | undefined> {
  const late = Promise.withResolvers<string>()
  const timer = setTimeout(() => late.resolve('no answer within 2 s'), 2_000)
  try {
    const checked = Promise.resolve(check()).then((value) => (value === false ? 'no' : undefined))
    return await Promise.race([checked, late.promise])
  } catch (error) {
    return reasonOf(error)
  } finally {
    clearTimeout(timer)
  }
}
