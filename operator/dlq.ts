import type { Command } from './command.ts'
import { listCommand, showCommand } from './dlq-look.ts'
import { discardCommand, redriveCommand } from './dlq-move.ts'

export const deadLetterCommands: Command[] = [
  listCommand,
  showCommand,
  redriveCommand,
  discardCommand,
]
