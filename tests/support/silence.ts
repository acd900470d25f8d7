import { rabbitmqServer } from './servers.ts'

/**
 * Makes a quorum queue as silent as one without a leader: it is there, says that it is empty, and
 * takes and gives nothing; until it is ended, or for so long. Undefined when the broker is not ours
 * alone.
 */
export async function silence(url: string, queue: string, forMs?: number) {
  const { control } = await rabbitmqServer()
  if (!control) return undefined
  const name = `'${new URL(url).pathname.slice(1)}_${queue}'`
  const end = forMs === undefined ? '' : `, timer:apply_after(${forMs}, sys, resume, [${name}])`
  await control('eval', `sys:suspend(${name})${end}.`)
  return { end: () => control('eval', `sys:resume(${name}).`) }
}
