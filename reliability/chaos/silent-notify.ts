import { pause } from '#local/supervisor/waiting.ts'
import { ownerOf } from './connections.ts'
import type { Field } from './field.ts'
import { deaf } from './journal.ts'
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
  const isListening = (passage: { label: string }) => ownerOf(passage).endsWith(' listen')
  const listening = system.links[link].passages().filter(isListening)
  const atMs = performance.now()
  const heal = system.links[link].disturb({ dropsNotifications: true })
  let isOver = false
  for (const passage of listening) {
    void passage.left().then(() => {
      if (isOver) return
      const afterMs = performance.now() - atMs
      journal.detect({ who: ownerOf(passage), link, ways: deaf, afterMs })
    })
  }
  await pause(forMs, signal)
  isOver = true
  heal()
  return listening.length
}
