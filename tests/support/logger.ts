import { type Logger, pino } from 'pino'
import { createLogger } from '#chassis/logger.ts'

/** Says nothing, unless LOG_LEVEL asks it to. */
export const silent: Logger = createLogger('test', process.env.LOG_LEVEL ?? 'silent')

/** Remembers what was said, as the text of the messages. */
export function recordingLogger(): { logger: Logger; said: string[] } {
  const said: string[] = []
  const write = (line: string) => void said.push(JSON.parse(line).msg)
  return { logger: pino({ level: 'debug' }, { write }), said }
}
