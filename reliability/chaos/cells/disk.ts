import { execFileSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresIdentity } from '#local/supervisor/identity.ts'
import { pause } from '#local/supervisor/waiting.ts'
import { type Cell, finalWithin, underLoad } from '../cell.ts'
import type { Field } from '../field.ts'
import { fillDisk, freeDisk, moveOutbox } from '../rows.ts'

/**
 * X11: the disk of both outboxes is full; nothing is half done, and it goes on when there is room.
 */
export const diskCell: Cell = {
  name: 'x11',
  title: 'the disk of an outbox full, then free again',
  count: 2,
  unable: () => whyNoMount(),
  run: underLoad(async (field, { count, progress }) => {
    const faults: string[] = []
    for (const link of ['orders', 'payments'] as const) {
      const disk = mount()
      try {
        await moveOutbox(field.system.databases[link], disk, `small_${link}`)
        for (let round = 1; round <= count; round++) {
          progress(`disk of ${link} full, ${round} of ${count}`)
          faults.push(...(await full(field, link)))
        }
        await moveOutbox(field.system.databases[link], undefined, `small_${link}`)
      } finally {
        unmount(disk)
      }
    }
    return faults
  }),
}

async function full(field: Field, link: 'orders' | 'payments'): Promise<string[]> {
  const { system, journal } = field
  journal.act('disk full', `outbox of ${link}`)
  await fillDisk(system.databases[link], `small_${link}`)
  await pause(5_000)
  await freeDisk(system.databases[link])
  journal.note(`there is room for the outbox of ${link}`)
  const isOver = await finalWithin(field, 30_000, 'disk full')
  return isOver ? [] : [`orders are pending 30 s after there was room for ${link} again`]
}

function mount(): string {
  const dir = mkdtempSync(join(tmpdir(), 'orders-payments-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=700', 'tmpfs', dir])
  const identity = postgresIdentity()
  if (identity) chownSync(dir, identity.uid, identity.gid)
  return dir
}

function unmount(dir: string): void {
  execFileSync('umount', ['-l', dir])
  rmSync(dir, { recursive: true, force: true })
}

function whyNoMount(): string | undefined {
  try {
    unmount(mount())
    return undefined
  } catch (error) {
    return `needs the right to mount a tmpfs (${(error as Error).message.split('\n')[0]})`
  }
}
