import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { processNames } from '#local/stack/ports.ts'
import { type Cell, underLoad } from '../cell.ts'
import { inject } from '../inject.ts'

/** X16: a deployment, and more or fewer workers, are no event for a client. */
export const rollingCell: Cell = {
  name: 'x16',
  title: 'every process restarted in order, one by one; workers from two to four and back',
  count: 2,
  run: underLoad(async (field, { count, progress }) => {
    for (let round = 1; round <= count; round++) {
      progress(`rolling ${round} of ${count}`)
      await inject({ kind: 'roll' }, field)
      progress('two more of each worker, and away again')
      const workers = processNames.filter((name) => !name.endsWith('-api'))
      const more = [...workers, ...workers].map((name) => {
        field.journal.act('one more, and away again', name)
        return field.system.startExtra(name)
      })
      for (const extra of await Promise.all(more)) await extra.stop()
    }
    return unexpectedAnswers(readFileSync(join(field.system.logsDir, 'nginx.log'), 'utf8'))
  }),
}

/** Come again; you repeat yourself; and (499) a client that did not wait for its answer. */
const expected = [409, 499, 503]

/** What no client should have got, by the log of the gateway. */
export function unexpectedAnswers(log: string): string[] {
  const answers = log.matchAll(/"status":(\d+)/g)
  const counts = new Map<number, number>()
  for (const [, status] of answers) {
    counts.set(Number(status), (counts.get(Number(status)) ?? 0) + 1)
  }
  return [...counts].flatMap(([status, count]) =>
    status < 400 || expected.includes(status) ? [] : [`${count} answers with ${status}`],
  )
}
