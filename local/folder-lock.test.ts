import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withFolderLock } from './folder-lock.mjs'

describe('withFolderLock', () => {
  const dir = mkdtempSync(join(tmpdir(), 'folder-lock-'))
  const lock = join(dir, 'lock')

  afterEach(() => rmSync(lock, { recursive: true, force: true }))
  after(() => rmSync(dir, { recursive: true, force: true }))

  it('lets one work at a time, also when one fails', async () => {
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
    assert.ok(!existsSync(lock))
  })

  it('takes it from a process that is dead', async () => {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(spawnSync('true').pid))
    await withFolderLock(lock, () => {})
  })

  it('takes it from one that died before it had written who it is', async () => {
    mkdirSync(lock)
    const longAgo = new Date(Date.now() - 60_000)
    utimesSync(lock, longAgo, longAgo)
    await withFolderLock(lock, () => {})
  })
})
