import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { tryLock, withFolderLock } from './folder-lock.mjs'

describe('withFolderLock', () => {
  const dir = mkdtempSync(join(tmpdir(), 'folder-lock-'))
  const lock = join(dir, 'lock')

  afterEach(() => rmSync(lock, { recursive: true, force: true }))
  after(() => rmSync(dir, { recursive: true, force: true }))

  it('runs one work at a time, also when one fails', async () => {
    const order: string[] = []
    const work = (name: string) => async () => {
      order.push(`${name} begins`)
      await new Promise(setImmediate)
      order.push(`${name} ends`)
      if (name === 'first') throw new Error('no space left')
    }
    const first = withFolderLock(lock, work('first'))
    await Promise.all([assert.rejects(first, /no space/), withFolderLock(lock, work('second'))])
    assert.deepEqual(order, ['first begins', 'first ends', 'second begins', 'second ends'])
    assert.ok('release' in tryLock(lock))
  })

  it('is acquired from a dead process, and from a dead process whose pid another one has', async () => {
    mkdirSync(lock)
    writeFileSync(join(lock, '7'), `${spawnSync('true').pid} 1`)
    await withFolderLock(lock, () => {})
    writeFileSync(join(lock, '9'), `${process.pid} 1`)
    await withFolderLock(lock, () => {})
  })

  it('is acquired by one of many processes at once, each time after the holder was killed', async () => {
    const program = `
      import { tryLock } from ${JSON.stringify(resolve('local/install/folder-lock.mjs'))}
      process.stdin.once('data', () => {
        console.log('release' in tryLock(${JSON.stringify(lock)}) ? 'mine' : 'taken')
      })
      console.log('up')`
    for (let round = 0; round < 5; round++) {
      const all = Array.from({ length: 12 }, () =>
        spawn(process.execPath, ['--input-type=module', '--eval', program]),
      )
      const answers = () => Promise.all(all.map(({ stdout }) => once(stdout, 'data').then(String)))
      await answers()
      const answered = answers()
      for (const { stdin } of all) stdin.write('go\n')
      const lines = await answered
      const ended = all.map((child) => once(child, 'close'))
      for (const child of all) child.kill('SIGKILL')
      await Promise.all(ended)
      assert.equal(lines.filter((line) => line === 'mine\n').length, 1, lines.join(''))
    }
  })
})
