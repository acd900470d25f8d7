import { pause } from '#chassis/pause.ts'
import { queues } from '#contracts/topology.ts'
import { type Field, inTurn, sendSignal } from './field.ts'
import type { Fault } from './schedule.ts'

type Of<Kind> = Extract<Fault, { kind: Kind }>

/** Kills it and starts it again, with its disk or without. */
export const breakBroker = ({ system: { broker }, signal }: Field, how: 'restart' | 'wipe') =>
  inTurn(broker, signal, async () => {
    if (how === 'wipe') await broker.wipe()
    else {
      await broker.kill()
      await broker.restart()
    }
    return 1
  })

export const stopBroker = ({ forMs }: Of<'stop broker'>, { system: { broker }, signal }: Field) =>
  inTurn(broker, signal, async () => {
    const { pid } = broker
    if (!sendSignal(pid, 'SIGSTOP')) return 0
    await pause(forMs, signal)
    sendSignal(pid, 'SIGCONT')
    return 1
  })

/** Memory is short, says the broker: who publishes is blocked, who consumes is not. */
export const holdAlarm = ({ forMs }: Of<'alarm'>, { system: { broker }, signal }: Field) =>
  inTurn(broker, signal, async () => {
    await broker.setAlarm(true)
    await pause(forMs, signal)
    await broker.setAlarm(false)
    return 1
  })

export function breakQueue(
  { kind, queue }: Of<'purge queue' | 'delete queue' | 'unbind queue'>,
  { system: { broker }, signal }: Field,
) {
  const path = `/queues/%2F/${queue}`
  return inTurn(broker, signal, async () => {
    if (kind === 'purge queue') await broker.manage('DELETE', `${path}/contents`)
    else if (kind === 'delete queue') await broker.manage('DELETE', path)
    else for (const binding of bindingsOf(queue)) await broker.manage('DELETE', binding)
    return 1
  })
}

function bindingsOf(name: string): string[] {
  const found = Object.values(queues).find(({ queue }) => queue === name)
  return (found?.routingKeys ?? []).map(
    (key) => `/bindings/%2F/e/${found?.exchange}/q/${name}/${key}`,
  )
}
