import type { Command } from './command.ts'
import { list, show } from './dlq-look.ts'
import { discard, redrive } from './dlq-move.ts'

export const deadLetterCommands: Command[] = [list, show, redrive, discard]
