/** How soon a repetition still belongs to the first: npm passes on a Ctrl-C that we got ourselves. */
export const echoMs = 1_000

/** What a signal means that arrives this long after the first one. */
export function meaningOf(sinceFirstMs: number | undefined): 'stop' | 'echo' | 'kill' {
  if (sinceFirstMs === undefined) return 'stop'
  return sinceFirstMs < echoMs ? 'echo' : 'kill'
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP, or when the npm that runs us is gone; a later
 * signal calls `onKill`.
 */
export function stopRequest(onKill: () => void): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined
    const onSignal = () => {
      const meaning = meaningOf(firstAt === undefined ? undefined : performance.now() - firstAt)
      if (meaning === 'kill') onKill()
      firstAt ??= performance.now()
      resolve()
    }
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal)
    whenNpmIsGone(resolve)
  })
}

/** A killed npm passes on no signal, and its terminal has no way left to stop us. */
function whenNpmIsGone(callback: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  const timer = setInterval(() => {
    if (process.ppid !== npm) callback()
  }, 500)
  timer.unref()
}
