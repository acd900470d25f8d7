import { globSync, readFileSync } from 'node:fs'

/** An `npm run NAME -- ARGUMENTS` of a document. */
export interface CommandLine {
  /** The document and the line, for the message of a failure. */
  where: string
  name: string
  /** As written, with its placeholders. */
  args: string
}

/** Up to the end of the code, its comment, or what it is piped to. */
const commandLine =
  /npm (?:run (?:--silent )?([a-z]+(?:[:-][a-z0-9]+)?)|(start|test)\b)(?: -- ([^`\n#|]*))?/g

/**
 * Every npm command that README, CONTRIBUTING, ARCHITECTURE, docs/ or reliability/ show, as often
 * as they do.
 */
export function documentedCommands(): CommandLine[] {
  const paths = globSync(['*.md', 'docs/**/*.md', 'reliability/**/*.md'])
  const present = paths.filter((path) => !path.startsWith('docs/results/'))
  return present.flatMap((path) =>
    [...readFileSync(path, 'utf8').matchAll(commandLine)].map(([line, run, itself, args = '']) => ({
      where: `${path}: ${line}`,
      name: run ?? itself ?? '',
      args: args.trim(),
    })),
  )
}

/** What makes a command of minutes or hours small; everything else of it stays as written. */
const smaller: Record<string, (args: string) => string> = {
  bench: (args) =>
    `${args.replace('--quick', '')} --quick ${args.includes('--only') ? '' : '--only idle'}`,
  chaos: (args) =>
    args
      .replace(/--seed \S+/, '--seed 1')
      .replace(/--minutes \S+/, '--minutes 1')
      .replace(/ --count \S+/, '')
      .replace(/--only \S+/, '--only x4 --count 1'),
  fuzz: (args) =>
    args.replace(/--seed \S+/, '--seed 1').replace(/--requests \S+/, '--requests 240'),
  scaling: () => '--orders-per-second 20 --seconds 1',
  crash: (args) => {
    if (args.startsWith('--pairs')) return '--pairs --minutes 1'
    if (args.startsWith('--mutants')) return '--mutants --only claim-without-lock'
    return args
  },
}

/** Suites that tests cannot run in themselves: only which tests they find. */
const isSuite = (name: string) => /^test(:|$)|-(test|drill)$/.test(name)

/**
 * What shows in a second or two that a command runs; of what has no such form, what goes before it.
 */
const quick: Record<string, string> = {
  start: 'npm start -- --help',
  operator: 'npm run operator -- reconcile --help',
  chaos: 'npm run chaos -- --help',
  bench: 'npm run prebench',
  fuzz: 'npm run fuzz -- --help',
  model: 'npm run premodel',
  roles: 'npm run roles -- --help',
  check: 'npm run precheck',
  crash: 'npm run precrash',
  screenshots: 'npm run prescreenshots',
  traces: 'npm run pretraces',
}

/** A script in a form that ends soon, and does little. */
export const quickCommand = (name: string): string =>
  quick[name] ?? (isSuite(name) ? `npm run ${name} -- --dry-run` : `npm run ${name}`)

/**
 * The documented commands in the smallest form that is still the command, each once. Not `start`
 * and `operator`, which need each other and are not run one by one.
 */
export function smallestCommands(): string[] {
  const commands = documentedCommands()
    .filter(({ name }) => name !== 'start' && name !== 'operator')
    .map(({ name, args }) => {
      const small = isSuite(name) ? '--dry-run' : (smaller[name]?.(args) ?? args).trim()
      return `npm ${name === 'test' ? 'test' : `run ${name}`}${small && ` -- ${small}`}`
    })
  return [...new Set(commands)].sort()
}
