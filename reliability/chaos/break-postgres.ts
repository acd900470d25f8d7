import { until } from '#local/supervisor/waiting.ts'
import type { ProxiedConnection } from '#testing/proxied-connection.ts'
import { ownerOf } from './connections.ts'
import { type Field, inTurn } from './field.ts'
import { endListeners } from './rows.ts'
import type { Fault } from './schedule.ts'

type Of<Kind> = Extract<Fault, { kind: Kind }>

/** Both databases are in it. */
export const killPostgres = (_: Of<'kill postgres'>, { system: { postgres }, signal }: Field) =>
  inTurn(postgres, signal, async () => {
    await postgres.kill()
    await postgres.restart()
    return 1
  })

/** Ends all connections that hear notifications, and journals how soon each was there again. */
export async function endAllListeners(
  _: Of<'end listeners'>,
  { system, journal, signal }: Field,
): Promise<number> {
  const atMs = performance.now()
  const { orders, payments } = system.databases
  const ended = (await endListeners(orders)) + (await endListeners(payments))
  const seen = new Set<ProxiedConnection>()
  const lookFor = (link: 'orders database' | 'payments database') => {
    for (const connection of system.links[link].connections()) {
      const who = ownerOf(connection)
      if (!who.endsWith(' listen') || connection.openedAtMs < atMs || seen.has(connection)) continue
      seen.add(connection)
      journal.detect({ who, link, ways: 'ended', afterMs: connection.openedAtMs - atMs })
    }
  }
  const areBack = () => {
    lookFor('orders database')
    lookFor('payments database')
    return seen.size >= ended
  }
  await until(areBack, { timeoutMs: 15_000, signal })
  return ended
}
