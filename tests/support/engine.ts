/** Records the health checks of an engine, so that a test can run them. */
export function recordedHealth() {
  const checks = new Map<string, () => unknown>()
  /** Why a part is not ready; undefined when the part is ready. */
  const reason = async (name: string): Promise<string | undefined> => {
    const check = checks.get(name)
    if (!check) return 'not opened yet'
    try {
      await check()
      return undefined
    } catch (error) {
      return (error as Error).message
    }
  }
  return {
    check: (name: string, check: () => unknown) => void checks.set(name, check),
    reason,
    isReady: async (name: string) => (await reason(name)) === undefined,
  }
}
