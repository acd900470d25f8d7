import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programPath } from '#local/install/system-packages.ts'
import { type Check, properties } from './checks.ts'
import { type Finding, parsePan } from './pan.ts'

const run = promisify(execFile)

/** Of the search, in megabytes; the largest check needs a fifth of it. */
const memoryLimitMb = 2_500
const depthLimit = 200_000

/** Generates the verifier of a check in a folder of its own, compiles and runs it. */
export async function verify(check: Check, signal: AbortSignal): Promise<Finding> {
  const cwd = await mkdtemp(join(tmpdir(), 'orders-payments-model-'))
  try {
    const isLiveness = properties[check.property]?.kind === 'liveness'
    const source = join(import.meta.dirname, `${check.model}.pml`)
    const defines = check.defines.map((name) => `-D${name}`)
    await run(programPath('spin'), ['-a', ...defines, source], { cwd, signal })

    const flags = ['-w', check.isMutant ? '-O1' : '-O2', `-DMEMLIM=${memoryLimitMb}`]
    const search = isLiveness ? ['-DNFAIR=3'] : ['-DSAFETY']
    await run(programPath('gcc'), [...flags, ...search, '-o', 'pan', 'pan.c'], { cwd, signal })

    const fairly = isLiveness ? ['-a', '-f'] : []
    const args = [`-m${depthLimit}`, ...fairly, '-N', check.property]
    const { stdout } = await run(join(cwd, 'pan'), args, { cwd, signal, maxBuffer: 2 ** 26 })
    return parsePan(stdout)
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}
