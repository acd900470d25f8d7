import { readFileSync } from 'node:fs'
import { aligned } from '../report.ts'
import { comparedHead, comparison, figuresOf } from './compare.ts'
import { writeSection } from './markdown.ts'
import { type Options, parseOptions, usage } from './options.ts'
import { predict, predictedHead } from './prediction.ts'

/** Predicts what a number of machines can do, by a simulation of the pipeline. */
function run({ plans, compare, markdown, ...options }: Options): void {
  const rows = compare
    ? comparison(figuresOf(JSON.parse(readFileSync(compare, 'utf8'))), options.cores, 20)
    : plans.map((plan) => predict(plan, options))
  const table = [compare ? comparedHead : predictedHead, ...rows]
  console.log(aligned(table).join('\n'))
  if (markdown) writeSection(markdown, compare ? 'compared' : 'predicted', table)
}

try {
  run(parseOptions(process.argv.slice(2)))
} catch (error) {
  console.error(`${(error as Error).message}\n\n${usage}`)
  process.exitCode = 64
}
