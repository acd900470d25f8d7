import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startTicks } from './own-processes.ts'

/** Makes this process the only one that runs the stack of this folder; throws, naming the other. */
export function lockStack(runDir: string): Disposable {
  refuseIfRunning(runDir)
  const file = lockFile(runDir)
  rmSync(file, { force: true })
  const holder = { pid: process.pid, startTicks: startTicks(process.pid) }
  writeFileSync(file, JSON.stringify(holder), { flag: 'wx' })
  return { [Symbol.dispose]: () => rmSync(file, { force: true }) }
}

/** Throws an Error that names the process which runs the stack of this folder, if one does. */
export function refuseIfRunning(runDir: string): void {
  const holder = readHolder(runDir)
  if (holder === undefined) return
  throw new Error(
    `This stack is already running, as process ${holder} (${lockFile(runDir)}).\n` +
      `Stop it with Ctrl-C in its terminal, or: kill ${holder}`,
  )
}

/** The pid in the lock, if that very process is still alive. */
function readHolder(runDir: string): number | undefined {
  try {
    const holder = JSON.parse(readFileSync(lockFile(runDir), 'utf8'))
    process.kill(holder.pid, 0)
    return holder.startTicks === startTicks(holder.pid) ? holder.pid : undefined
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EPERM') throw error
    return undefined
  }
}

const lockFile = (runDir: string) => join(runDir, 'stack.lock')
