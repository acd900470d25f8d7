import { readEnvironment } from './cli/addresses.ts'
import { type Command, helpOf, helpOfAll, parseRequest } from './cli/command.ts'
import { errorText } from './cli/error-text.ts'
import { deadLetterCommands } from './dead-letters/commands.ts'
import { pageCommand } from './page/command.ts'
import { queueCommands } from './queues/commands.ts'
import { reconcileCommand } from './reconcile/command.ts'
import { retentionCommand } from './retention/command.ts'
import { statusCommand } from './status/command.ts'
import { stuckCommand } from './stuck/command.ts'
import { traceCommand } from './trace/command.ts'

/** The commands for the people who operate the system. */
const commands: Command[] = [
  statusCommand,
  stuckCommand,
  reconcileCommand,
  traceCommand,
  retentionCommand,
  ...deadLetterCommands,
  ...queueCommands,
  pageCommand,
]

const exitCodes = { fine: 0, foundSomethingWrong: 1, couldNotRun: 2 }

async function run(args: string[]): Promise<number> {
  const request = parseRequest(commands, args)
  if (request.kind === 'help') {
    print(request.command ? helpOf(request.command) : helpOfAll(commands))
    return exitCodes.fine
  }
  const { command, input, isJson } = request
  const role = command.acts?.(input) ? 'operator-editor' : 'operator-viewer'
  const report = await command.run({ ...input, env: readEnvironment(), role })
  print(isJson ? JSON.stringify(report.json, null, 2) : report.text)
  if (report.error) return printError(report.error)
  return report.isFine ? exitCodes.fine : exitCodes.foundSomethingWrong
}

function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

function printError(error: Error): number {
  process.stderr.write(`${errorText(error)}\n`)
  return exitCodes.couldNotRun
}

process.stdout.on('error', () => {}) // the reader has gone: `operator dlq list | head`
try {
  process.exitCode = await run(process.argv.slice(2))
} catch (error) {
  process.exitCode = printError(error as Error)
}
