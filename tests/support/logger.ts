import { type Logger, pino } from 'pino'
import { createLogger } from '#chassis/logger.ts'

/** A logger without output, unless LOG_LEVEL is set. */
export const silent: Logger = createLogger('test', process.env.LOG_LEVEL ?? 'silent')

interface Line {
  msg: string
  message_id?: string
  err?: { message: string }
  reason?: string
}

/** A logger that records its lines, and the texts of their messages. */
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
