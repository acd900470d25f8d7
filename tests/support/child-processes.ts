import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { eventually } from './eventually.ts'
import { serverPids } from './servers.ts'

/** Throws, naming them, unless this process has no children but the servers of the tests. */
export async function assertNoChildren({ timeoutMs = 2_000 } = {}): Promise<void> {
  const servers = new Set(await serverPids())
  await eventually(
    () => {
      const left = children().filter(({ pid }) => !servers.has(pid))
      if (left.length === 0) return true
      throw new Error(`Left running: ${left.map(({ pid, name }) => `${name} (${pid})`).join('; ')}`)
    },
    { timeoutMs },
  )
}

/** Needs /proc: elsewhere there are none to be seen. */
function children(): { pid: number; name: string }[] {
  if (!existsSync('/proc/self/stat')) return []
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map((entry) => ({ pid: Number(entry), stat: statOf(entry) }))
    .filter(({ stat }) => Number(/\) \S (\d+)/.exec(stat)?.[1]) === process.pid)
    .map(({ pid, stat }) => ({ pid, name: /\((.*)\)/.exec(stat)?.[1] ?? '' }))
}

/** Empty when the process has gone meanwhile. */
function statOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}
