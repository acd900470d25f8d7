import { type Logger, pino } from 'pino'
import { createLogger } from '#chassis/logger.ts'

/** Says nothing, unless LOG_LEVEL asks it to. */
export const silent: Logger = createLogger('test', process.env.LOG_LEVEL ?? 'silent')

interface Line {
  msg: string
  message_id?: string
  err?: { message: string }
}

/** Remembers what was said: whole lines, and the text of their messages. */
export function recordingLogger(): { logger: Logger; said: string[]; lines: Line[] } {
  const said: string[] = []
  const lines: Line[] = []
  const write = (text: string) => {
    const line = JSON.parse(text) as Line
    lines.push(line)
    said.push(line.msg)
  }
  return { logger: pino({ level: 'debug' }, { write }), said, lines }
}
