import { Resources } from '#chassis/resources.ts'
import { silent } from './logger.ts'

/** `use` for what a test opens: closed in reverse order after it, whether it passed or not. */
export function useResources(): Resources['use'] {
  const resources = new Resources()
  afterEach('close what the test opened', () => resources.closeAll(silent))
  return (resource) => resources.use(resource)
}

/** Starts a loop, and aborts its signal when the test is over. */
export function running(run: (signal: AbortSignal) => Promise<void>) {
  const stop = new AbortController()
  const done = run(stop.signal)
  done.catch(() => {}) // reported by close
  return {
    done,
    close: async () => {
      stop.abort()
      await done
    },
  }
}
