import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { repositoryDir } from '../stack/paths.ts'
import { processNames } from '../stack/ports.ts'
import { bundle, bundleOf } from './bundle.ts'

/** Runs a bundle; what it wrote. */
const run = (dir: string, name: string, env: NodeJS.ProcessEnv = {}, ...flags: string[]) =>
  spawnSync(process.execPath, [...flags, '--enable-source-maps', bundleOf(dir, name)], {
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
  })

describe('a bundle', () => {
  let dir = ''
  beforeEach('make a folder', () => {
    dir = mkdtempSync(join(tmpdir(), 'orders-payments-'))
  })
  afterEach('remove the folder', () => rmSync(dir, { recursive: true }))

  /** A small process of its own, which throws where its source says. */
  function makeProcess(text: string) {
    mkdirSync(join(dir, 'one'), { recursive: true })
    writeFileSync(join(dir, 'one', 'main.ts'), text)
    return bundle(['one'], dir, join(dir, 'out'))
  }

  it('is one file for each process, which runs without node_modules', async () => {
    await bundle(processNames, repositoryDir, dir)
    for (const name of processNames) {
      const { status, stderr } = run(dir, name)
      assert.equal(status, 78, stderr)
      assert.match(stderr, /_DATABASE_URL is missing/)
    }
  })

  it('does not load undici, which no process uses', async () => {
    await bundle(['orders-api'], repositoryDir, dir)
    const says = join(dir, 'says.cjs')
    writeFileSync(
      says,
      `process.on('exit', () => console.log(process.moduleLoadList.filter((name) => name.includes('deps/undici/undici')).length))`,
    )
    assert.equal(run(dir, 'orders-api', {}, '--require', says).stdout, '0\n')
  })

  it('does not read its source map for a logger', async () => {
    await bundle(['orders-api'], repositoryDir, dir)
    const text = readFileSync(bundleOf(dir, 'orders-api'), 'utf8')
    assert.match(text, /stdTimeFunctions/) // of pino
    assert.doesNotMatch(text, /getCallSite/)
  })

  it('says in its errors which line of the source threw', async () => {
    await makeProcess('interface Nothing {}\n\nthrow new Error("here")\n')
    assert.match(run(join(dir, 'out'), 'one').stderr, /one\/main\.ts:3/)
  })

  it('is made anew when a source has changed, and not otherwise', async () => {
    const madeAt = () => statSync(bundleOf(join(dir, 'out'), 'one')).mtimeMs
    await makeProcess('console.log(1)')
    const first = madeAt()
    await bundle(['one'], dir, join(dir, 'out'))
    assert.equal(madeAt(), first)
    await makeProcess('console.log("changed")')
    assert.equal(run(join(dir, 'out'), 'one').stdout, 'changed\n')
  })

  it('is whole, whoever else makes the same one', async () => {
    await makeProcess('console.log("whole")')
    rmSync(join(dir, 'out'), { recursive: true })
    const script = `import { bundle } from '${import.meta.resolve('./bundle.ts')}'
      await bundle(['one'], '${dir}', '${join(dir, 'out')}')`
    const makers = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '--eval', script], { stdio: 'inherit' }),
    )
    const codes = await Promise.all(makers.map((maker) => once(maker, 'exit')))
    assert.deepEqual(codes.flat(), [0, null, 0, null, 0, null, 0, null])
    assert.equal(run(join(dir, 'out'), 'one').stdout, 'whole\n')
  })
})
