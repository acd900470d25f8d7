import { until } from '#local/supervisor/waiting.ts'
import type { Resource } from '../broker.ts'
import { type Cell, finalWithin, underLoad } from '../cell.ts'
import { type Field, freeze } from '../field.ts'
import { megabytesOf } from '../memory.ts'
import { owedEverywhere } from '../quiesce.ts'

/**
 * X10: who publishes is blocked, who consumes is not, and what waits, waits in the outbox. Nothing
 * bad is sent: it would wait in its queue, since a dead letter has to be published. What a full
 * queue refuses is told in messaging/conformance/failed-events.integration.test.ts.
 */
export const alarmCell: Cell = {
  name: 'x10',
  title:
    'memory and disk alarm in turn: acknowledging goes on, relays stay small, publishing resumes',
  count: 4,
  run: underLoad(
    async (field, { count, progress }) => {
      const faults: string[] = []
      for (let round = 1; round <= count; round++) {
        progress(`alarm ${round} of ${count}`)
        faults.push(...(await alarm(field, round % 2 === 1 ? 'memory' : 'disk')))
      }
      return faults
    },
    { injects: false },
  ),
}

const relays = ['orders-relay', 'payments-relay']

/** What a relay may take more while it is blocked. */
const growthMaxMb = 40

async function alarm(field: Field, of: Resource): Promise<string[]> {
  const { system, journal } = field
  const goOn = freeze(field, ['payments-consumer', 'payments-consumer.2'])
  const owed = async (where: string) => (await owedEverywhere(system))[where] ?? 0
  const waiting = () => owed('queue payments-consumer')
  await until(async () => (await waiting()) > 20, { timeoutMs: 15_000 })

  await system.broker.setAlarm(true, of)
  journal.act(`${of} alarm`, 'broker')
  const pids = relays.map(system.pidOf)
  const before = pids.map(megabytesOf)
  goOn()
  const isEmpty = await journal.within(20_000, 'queue emptied during the alarm', (timeoutMs) =>
    until(async () => (await waiting()) === 0, { timeoutMs }),
  )
  const isBlocked = await until(async () => (await owed('outbox of orders')) > 20, {
    timeoutMs: 10_000,
  })
  const grown = pids.map((pid, index) => megabytesOf(pid) - (before[index] ?? 0))
  for (const value of grown)
    journal.measure({ what: 'growth of a relay', value, limit: growthMaxMb, unit: 'MB' })
  await system.broker.setAlarm(false, of)
  journal.note('the alarm is over')

  const isOver = await finalWithin(field, 20_000, 'alarm')
  return [
    ...(isBlocked ? [] : ['nothing waits in the outbox: publishers were not blocked']),
    ...(isEmpty ? [] : ['the queue was not emptied while publishers were blocked']),
    ...grown
      .filter((megabytes) => !(megabytes <= growthMaxMb))
      .map((n) => `a relay grew by ${n} MB`),
    ...(isOver ? [] : ['orders are pending 20 s after the alarm']),
  ]
}
