import { pause } from '#local/supervisor/waiting.ts'
import { ownerOf } from './connections.ts'
import type { Field } from './field.ts'
import { noNotifications } from './journal.ts'
import type { Fault } from './schedule.ts'

/**
 * As with a pooler in the wrong mode: LISTEN succeeds, queries are answered, and no notification
 * comes, for a while, on new connections neither. Somebody subscribes just before.
 */
export async function silenceNotify(
  { link, userIds, forMs }: Extract<Fault, { kind: 'silent notify' }>,
  { system, journal, subscribers, signal }: Field,
): Promise<number> {
  await subscribers.open(userIds.map((userId) => ({ userId })))
  const isListening = (connection: { label: string }) => ownerOf(connection).endsWith(' listen')
  const listening = system.links[link].connections().filter(isListening)
  const atMs = performance.now()
  const restore = system.links[link].disturb({ dropsNotifications: true })
  let isOver = false
  for (const connection of listening) {
    void connection.left().then(() => {
      if (isOver) return
      const afterMs = performance.now() - atMs
      journal.detect({ who: ownerOf(connection), link, ways: noNotifications, afterMs })
    })
  }
  await pause(forMs, signal)
  isOver = true
  restore()
  return listening.length
}
