import { rabbitmqServer } from './servers.ts'

/**
 * Makes a quorum queue as silent as one without a leader: it is there, says that it is empty, and
 * takes and gives nothing. Undefined when the broker is not ours alone.
 */
export async function silence(url: string, queue: string) {
  const { control } = await rabbitmqServer()
  if (!control) return undefined
  const name = `'${new URL(url).pathname.slice(1)}_${queue}'`
  await control('eval', `sys:suspend(${name}).`)
  return { end: () => control('eval', `sys:resume(${name}).`) }
}
