import { type Check, properties } from './checks.ts'
import { type Finding, isAsWanted } from './pan.ts'

export interface Result {
  check: Check
  finding: Finding
}

/** What a finding means: the model holds or not, a mutant is caught or not. */
export function verdictOf({ check, finding }: Result): string {
  const isGood = isAsWanted(finding, check.isMutant)
  if (check.isMutant) return isGood ? 'caught' : 'SURVIVED'
  if (isGood) return 'holds'
  return finding.errors > 0 ? 'BROKEN' : 'NOT SEARCHED TO THE END'
}

/** A line as it is printed when a check has ended. */
export function line(result: Result): string {
  const { check, finding } = result
  return [
    verdictOf(result).padEnd(9),
    check.property.padEnd(17),
    `${finding.states.toLocaleString('en').padStart(10)} states`,
    `depth ${String(finding.depth).padStart(4)}`,
    `${finding.seconds.toFixed(1).padStart(5)} s`,
    `${String(finding.memoryMb).padStart(5)} MB`,
    `errors ${finding.errors}`,
    `${check.name} (${check.defines.join(' ')})`,
  ].join('  ')
}

/** A Markdown document: the protocol as built, and its mutants, a table each. */
export function markdown(results: readonly Result[]): string {
  const ofKind = (isMutant: boolean) => results.filter(({ check }) => check.isMutant === isMutant)
  const built = ofKind(false).map((result) => {
    const { check, finding } = result
    const states = finding.states.toLocaleString('en')
    const figures = [states, finding.depth, finding.seconds.toFixed(1), finding.memoryMb]
    const sizes = `\`${check.defines.join(' ')}\``
    return [check.name, sizes, meaningOf(result), ...figures, finding.errors, verdictOf(result)]
  })
  const mutants = ofKind(true).map((result) => {
    const { name, defines } = result.check
    return [name, `\`${defines.join(' ')}\``, meaningOf(result), verdictOf(result)]
  })
  const builtHead = [
    'as built',
    'faults and sizes',
    'property',
    'states',
    'depth',
    's',
    'MB',
    'errors',
    '',
  ]
  const mutantHead = ['mutant', 'switches', 'property that breaks', '']
  return `${head}\n\n${table(builtHead, built)}\n\n${table(mutantHead, mutants)}\n`
}

const head = `# Model: every order of steps

\`npm run model\`

Spin tries every interleaving of the [model](../../../reliability/model/README.md) of the protocol, with so many crashes, wipes, duplicates … as _faults and sizes_ says.
_States_ is how many it found, _depth_ the longest way without a repetition; an error would be a way that breaks the property. A _mutant_ is the
model without one of its protections: Spin must find such a way.`

const table = (head: string[], rows: (string | number)[][]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')

const meaningOf = ({ check }: Result): string =>
  properties[check.property]?.meaning ?? check.property
