import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeJson } from '../report.ts'
import { comparedHead, comparison, figuresOf } from './compare.ts'
import { markdownTable, readSection, writeSection } from './markdown.ts'
import { parseOptions } from './options.ts'
import { predict, predictedHead } from './prediction.ts'

describe('the report of the simulation', () => {
  it('is what docs/scaling.md has', () => {
    const { plans, ...options } = parseOptions([])
    const rows = plans.map((plan) => predict(plan, options))
    const document = readFileSync('docs/scaling.md', 'utf8')
    assert.equal(readSection(document, 'predicted'), markdownTable([predictedHead, ...rows]))
  })

  it('compares with the measured figures that docs/scaling.md names, and has their rate', () => {
    const document = readFileSync('docs/scaling.md', 'utf8')
    const [, path = ''] = /\]\((results\/[^)]*\.json)\)/.exec(document) ?? []
    const rows = comparison(figuresOf(JSON.parse(readFileSync(`docs/${path}`, 'utf8'))), 2, 20)
    assert.equal(readSection(document, 'compared'), markdownTable([comparedHead, ...rows]))
    const ratio = Number(rows[0]?.at(-1))
    assert.ok(ratio > 0.75 && ratio < 1.25, `simulated ÷ measured: ${ratio}`)
  })

  it('takes figures of the benchmark, and says which ones are missing', () => {
    assert.throws(() => figuresOf([{ name: 'end to end', value: 1 }]), /latency.*CPU, latency, p50/)
    assert.throws(() => figuresOf({}), /of end to end, end to end, CPU/)
    const dir = mkdtempSync(join(tmpdir(), 'orders-payments-scaling-'))
    const file = join(dir, 'figures.json')
    const names = ['end to end', 'end to end, CPU', 'latency, p50', 'latency, p99']
    const figure = { unit: '', against: '', limits: [], target: { valueAtMost: 2 } }
    const figures = names.map((name, index) => ({ ...figure, name, values: [index + 1] }))
    writeJson(file, figures)
    const read = figuresOf(JSON.parse(readFileSync(file, 'utf8')))
    assert.deepEqual(read, Object.fromEntries(names.map((name, index) => [name, index + 1])))
    rmSync(dir, { recursive: true })
  })

  it('predicts twice the orders for a machine that spends half the CPU on each', () => {
    const figures = { 'end to end': 1, 'latency, p50': 1, 'latency, p99': 1 }
    const [slow, fast] = [1, 0.5].map((cpu) =>
      Number(comparison({ ...figures, 'end to end, CPU': cpu }, 2, 2)[0]?.[3]?.replace(',', '')),
    )
    const ratio = (fast ?? 0) / (slow ?? 0)
    assert.ok(ratio > 1.7 && ratio < 2.2, String(ratio))
  })

  it('puts a table between its marks, and leaves the rest of the file alone', () => {
    const dir = mkdtempSync(join(tmpdir(), 'orders-payments-scaling-'))
    const file = join(dir, 'page.md')
    writeFileSync(file, 'a\n<!-- one -->\nold\n<!-- end of one -->\n\nz\n')
    writeSection(file, 'one', [['x'], ['1']])
    writeSection(file, 'one', [['x'], ['2']])
    const text = readFileSync(file, 'utf8')
    assert.equal(text, 'a\n<!-- one -->\n\n| x |\n| --- |\n| 2 |\n\n<!-- end of one -->\n\nz\n')
    assert.throws(() => writeSection(file, 'two', [['x']]), /<!-- two -->/)
    rmSync(dir, { recursive: true })
  })

  it('makes a line of each rate with each number of replicas, and refuses nonsense', () => {
    const args = '--orders-per-second 10 --orders-per-second 20 --replicas 1 --replicas 2'.split(
      ' ',
    )
    assert.equal(parseOptions(args).plans.length, 4)
    assert.throws(() => parseOptions(['--machines', '2']), /1, 3 or 5/)
    assert.throws(() => parseOptions(['--replicas', '0', ...args]), /--replicas takes a whole/)
  })
})
