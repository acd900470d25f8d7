import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '#testing/eventually.ts'
import { lastLines } from './log-tail.ts'
import { rotateIfLarge } from './rotate-log.ts'

describe('a log that has grown too large', () => {
  let dir = ''
  let file = ''
  beforeEach('make a folder', () => {
    dir = mkdtempSync(join(tmpdir(), 'orders-payments-log-'))
    file = join(dir, 'program.log')
  })
  afterEach('remove the folder', () => rmSync(dir, { recursive: true }))
  const textOf = (path: string) => readFileSync(path, 'utf8')

  it('is rotated, and the two before it are kept', () => {
    for (const text of ['first', 'second', 'third']) {
      writeFileSync(file, text)
      rotateIfLarge(file, 4)
    }
    assert.deepEqual(
      [textOf(file), textOf(`${file}.1`), textOf(`${file}.2`)],
      ['', 'third', 'second'],
    )
    assert.equal(existsSync(`${file}.3`), false)
  })

  it('is left alone while it is small, or is not there', () => {
    rotateIfLarge(file, 4)
    writeFileSync(file, '1234')
    rotateIfLarge(file, 4)
    assert.equal(textOf(file), '1234')
    assert.equal(existsSync(`${file}.1`), false)
  })

  it('is written on by the program that has it open, at its new end', async () => {
    const log = openSync(file, 'a')
    const program = spawn(
      process.execPath,
      ['-e', 'process.stdin.on("data", (data) => process.stdout.write(data))'],
      { stdio: ['pipe', log, log] },
    )
    closeSync(log)
    program.stdin?.write('before\n')
    await eventually(() => textOf(file) === 'before\n')
    rotateIfLarge(file, 4)
    assert.equal(textOf(`${file}.1`), 'before\n')
    program.stdin?.write('after\n')
    await eventually(() => textOf(file) === 'after\n')
    assert.equal(statSync(file).size, 6) // no hole where the old lines were
    program.stdin?.end()
    await once(program, 'exit')
  })

  it('has last lines also for who remembers an offset from before', () => {
    writeFileSync(file, 'a longer line before\n')
    const { size } = statSync(file)
    rotateIfLarge(file, 4)
    writeFileSync(file, 'after\n')
    assert.equal(lastLines(file, size), 'after')
  })
})
