/** The health that an engine reports, for a test that asks for it. */
export function recordedHealth() {
  const checks = new Map<string, () => unknown>()
  /** Why that part is not ready; undefined when it is. */
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
