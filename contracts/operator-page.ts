import { type Static, Type } from 'typebox'
import { compile } from './compile.ts'

/** What the operator's page asks its process to run: a command, as on the command line. */
const CommandCall = Type.Object(
  {
    arguments: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { maxItems: 1_000 }),
    options: Type.Record(Type.String(), Type.Union([Type.String(), Type.Boolean()])),
  },
  { additionalProperties: false },
)
export type CommandCall = Static<typeof CommandCall>

export const validateCommandCall = compile(CommandCall)

/** What came of it. */
export interface CommandAnswer<Result> {
  is_fine: boolean
  /** The output of the command with `--json`. */
  result: Result
  /** Why a part of the result is unknown. */
  error: string | null
}

/** Who uses the page, and what it may do. */
export interface PageSession {
  /** Null where nobody says who calls (AUTH_MODE=off). */
  user_id: string | null
  can_act: boolean
}
