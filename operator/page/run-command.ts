import { EnvironmentError, isCode } from '#chassis/errors.ts'
import { type Logger, withoutLogins } from '#chassis/logger.ts'
import type { CommandAnswer, CommandCall } from '#contracts/operator-page.ts'
import { Problem } from '#http/problem.ts'
import { type Command, type Given, UsageError } from '../cli/command.ts'
import { errorText } from '../cli/error-text.ts'
import { deadLetterCommands } from '../dead-letters/commands.ts'
import { reconcileCommand } from '../reconcile/command.ts'
import { statusCommand } from '../status/command.ts'
import { stuckCommand } from '../stuck/command.ts'
import { traceCommand } from '../trace/command.ts'

/** The commands that the page runs; `dlq list` is at `dlq-list`. */
const commands = new Map(
  [statusCommand, stuckCommand, reconcileCommand, traceCommand, ...deadLetterCommands].map(
    (command) => [command.name.replace(' ', '-'), command],
  ),
)

/** Who has asked: the user of the token, if there is one. */
interface Asker {
  userId: string | undefined
  requestId: string
}

export type RunCommand = (
  name: string,
  call: CommandCall,
  by: Asker,
) => Promise<CommandAnswer<object>>

interface Runner {
  env: NodeJS.ProcessEnv
  logger: Logger
  canAct: boolean
}

/**
 * Runs a command as the command line does, with connections of its own. Throws a Problem that says
 * what is wrong and what to do. What changes something is logged with who has asked for it, before
 * and after.
 */
export const createRunner =
  ({ env, logger, canAct }: Runner): RunCommand =>
  async (name, call, { userId, requestId }) => {
    const command = commands.get(name)
    if (!command) throw new Problem(404, `The page runs ${[...commands.keys()].join(', ')}.`)
    const given = givenTo(command, call)
    const acts = command.acts?.(given) ?? false
    if (acts && !canAct) throw new Problem('forbidden', looksOnly)
    const facts = { command: name, ...call, user_id: userId, request_id: requestId }
    if (acts) logger.info(facts, 'an operator acts')
    try {
      const role = acts ? 'operator-editor' : 'operator-viewer'
      const { isFine, json, error } = await command.run({ ...given, env, role })
      if (acts) logger.info({ ...facts, is_fine: isFine, result: json }, 'an operator has acted')
      return { is_fine: isFine, result: json, error: error ? textOf(error) : null }
    } catch (error) {
      const problem = problemOf(error as Error)
      if (acts) logger.warn({ ...facts, err: error }, 'an operator could not act')
      else if (problem.status === 500) logger.error({ ...facts, err: error }, 'a command failed')
      throw problem
    }
  }

const looksOnly = 'This page looks only: start it with OPERATOR_PAGE=act to let it act.'

/** The options of a command line, each of its own type. */
function givenTo({ name, options }: Command, call: CommandCall): Given {
  for (const [option, value] of Object.entries(call.options)) {
    const type = Object.hasOwn(options, option) ? options[option]?.type : undefined
    if (typeof value !== type) throw new Problem(422, `${name} takes no --${option} ${value}.`)
  }
  return { positionals: call.arguments, values: call.options }
}

const textOf = (error: Error) => withoutLogins(errorText(error))

/** The messages of the commands are for operators: whatever it is, the page says it. */
function problemOf(error: Error): Problem {
  if (error instanceof UsageError) return new Problem(422, textOf(error))
  if (isCode(error, 'conflict')) return new Problem(409, textOf(error))
  if (error instanceof EnvironmentError) {
    return new Problem(503, textOf(error), { headers: { 'Retry-After': '1' } })
  }
  return new Problem(500, textOf(error))
}
