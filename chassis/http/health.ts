import type { Middleware } from 'koa'

export type Check = () => unknown

/**
 * `/livez`: the process runs. `/readyz`: it can do its work, or the list of what hinders it. A
 * process that is told to stop is not ready any more.
 */
export class Health {
  readonly #checks = new Map<string, Check>()

  /** A check fails by throwing, rejecting, answering `false`, or not answering within 2 s. */
  check(name: string, check: Check): void {
    this.#checks.set(name, check)
  }

  readonly middleware: Middleware = async (ctx, next) => {
    if (ctx.path !== '/livez' && ctx.path !== '/readyz') return next()
    const failing = ctx.path === '/readyz' ? await this.#failing() : []
    ctx.status = failing.length === 0 ? 200 : 503
    ctx.body = failing.length === 0 ? { status: 'ok' } : { status: 'not ready', failing }
  }

  async #failing(): Promise<string[]> {
    const names = [...this.#checks].map(async ([name, check]) =>
      (await passes(check)) ? [] : [name],
    )
    return (await Promise.all(names)).flat()
  }
}

async function passes(check: Check): Promise<boolean> {
  const late = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => late.resolve(false), 2_000)
  try {
    const passed = Promise.resolve(check()).then((value) => value !== false)
    return await Promise.race([passed, late.promise])
  } catch {
    return false
  } finally {
    clearTimeout(timer)
  }
}
