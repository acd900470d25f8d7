import { rabbitmqServer } from './servers.ts'

/**
 * Suspends the process of a quorum queue, which then behaves like a leaderless queue: it exists,
 * reports that it is empty, and neither accepts nor delivers; until `end`, or for a time. Undefined
 * when the broker is not private to the tests.
 */
export async function suspendQueue(url: string, queue: string, forMs?: number) {
  const { control } = await rabbitmqServer()
  if (!control) return undefined
  const name = `'${new URL(url).pathname.slice(1)}_${queue}'`
  const end = forMs === undefined ? '' : `, timer:apply_after(${forMs}, sys, resume, [${name}])`
  await control('eval', `sys:suspend(${name})${end}.`)
  return { end: () => control('eval', `sys:resume(${name}).`) }
}
