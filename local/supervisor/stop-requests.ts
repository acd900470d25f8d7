/** A repetition within this time is an echo: npm forwards a Ctrl-C that this process got, too. */
export const echoMs = 1_000

/** The meaning of a signal, by the time since the first one. */
export function meaningOf(sinceFirstMs: number | undefined): 'stop' | 'echo' | 'kill' {
  if (sinceFirstMs === undefined) return 'stop'
  return sinceFirstMs < echoMs ? 'echo' : 'kill'
}

/**
 * Resolves at the first SIGINT, SIGTERM or SIGHUP, or when the npm that started this process is
 * gone. A later signal calls `onKill`.
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

/** A killed npm forwards no signal, and its terminal cannot stop this process any more. */
function whenNpmIsGone(callback: () => void): void {
  if (process.env.npm_lifecycle_event === undefined) return
  const npm = process.ppid
  const timer = setInterval(() => {
    if (process.ppid !== npm) callback()
  }, 500)
  timer.unref()
}
