import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { eventually } from '#testing/eventually.ts'
import type { Note, Step } from './fault-points.ts'

const faultPoints = pathToFileURL(join(import.meta.dirname, 'fault-points.ts')).href

/** Comes to `one` three times, each call answered with `answer`, and prints how it went. */
const program = `
  import { around } from ${JSON.stringify(faultPoints)}
  for (let n = 0; n < 3; n++) {
    const startedAt = performance.now()
    await around('one', async () => console.log('called')).catch((e) => console.log(e.message))
    if (performance.now() - startedAt > 300) console.log('late')
  }`

describe('the plan of a process', () => {
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-fault-points-'))
  let count = 0
  after(() => rmSync(dir, { recursive: true }))

  function start(steps: Step[]) {
    const file = join(dir, `${count++}.jsonl`)
    const env = { ...process.env, CRASH_PLAN: JSON.stringify({ file, steps }) }
    const args = ['--input-type=module', '--eval', program]
    const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk
    })
    const notes = () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [])
    return {
      child,
      said: () => said.trim().split('\n').filter(Boolean),
      notes: () => notes().map((line) => JSON.parse(line) as Note),
    }
  }

  async function run(...steps: Step[]) {
    const started = start(steps)
    const [code, signal] = await once(started.child, 'close')
    return { said: started.said(), notes: started.notes(), code, signal }
  }

  it('notes each fault point once, before and after, and what came just before it', async () => {
    const { said, notes, code } = await run()
    assert.deepEqual([said, code], [['called', 'called', 'called'], 0])
    assert.deepEqual(notes, [
      { met: 'one', when: 'before', since: '' },
      { met: 'one', when: 'after', since: 'before one' },
    ])
  })

  it('kills the process at the n-th time, before the call or after its answer', async () => {
    const step = { point: 'one', nth: 2, action: 'exit' } as const
    const before = await run({ ...step, when: 'before' })
    assert.deepEqual([before.said, before.signal], [['called'], 'SIGKILL'])
    const after = await run({ ...step, when: 'after' })
    assert.deepEqual([after.said, after.signal], [['called', 'called'], 'SIGKILL'])
    assert.deepEqual(after.notes.at(-1), { taken: { ...step, when: 'after' } })
  })

  it('throws in place of the call, or of its answer', async () => {
    const { said } = await run(
      { point: 'one', when: 'before', action: 'throw' },
      { point: 'one', when: 'after', nth: 2, action: 'throw' },
    )
    const thrown = (when: string) => `as planned, ${when} one`
    assert.deepEqual(said, [thrown('before'), 'called', 'called', thrown('after')])
  })

  it('holds the whole process up', async () => {
    const { said } = await run({ point: 'one', when: 'after', action: 'delay', ms: 400 })
    assert.deepEqual(said, ['called', 'late', 'called', 'called'])
  })

  it('stops the process until somebody lets it go on', async () => {
    const { child, said } = start([{ point: 'one', when: 'after', action: 'stop' }])
    await eventually(() => stateOf(child) === 'T')
    assert.deepEqual(said(), ['called'])
    child.kill('SIGCONT')
    await once(child, 'close')
    assert.equal(said().filter((line) => line === 'called').length, 3)
  })
})

/** Needs /proc. */
const stateOf = ({ pid }: ChildProcess): string | undefined =>
  /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1]
