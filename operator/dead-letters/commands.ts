import type { Command } from '../cli/command.ts'
import { listCommand, showCommand } from './list-show.ts'
import { discardCommand, redriveCommand } from './redrive-discard.ts'

export const deadLetterCommands: Command[] = [
  listCommand,
  showCommand,
  redriveCommand,
  discardCommand,
]
