import { subscribeWhileAway } from './away-at-subscription.ts'
import { breakBroker, breakQueue, holdAlarm, stopBroker } from './break-broker.ts'
import { endAllListeners, killPostgres } from './break-postgres.ts'
import { killGateway, killProcesses, rollAll, stopProcess } from './break-processes.ts'
import type { Field } from './field.ts'
import { lockAccount, lockOrder } from './locks.ts'
import { cutConnections, disturbNetwork, halfOpen, loseCommitAnswer } from './network.ts'
import type { Fault, FaultKind } from './schedule.ts'
import { silenceNotify } from './silent-notify.ts'

/** Does one fault and returns, when it is over, how many hits it was. */
type Injector<Kind extends FaultKind> = (
  fault: Extract<Fault, { kind: Kind }>,
  field: Field,
) => Promise<number>

const injectors: { [Kind in FaultKind]: Injector<Kind> } = {
  kill: killProcesses,
  stop: stopProcess,
  roll: rollAll,
  'kill broker': (_, field) => breakBroker(field, 'restart'),
  'stop broker': stopBroker,
  'wipe broker': (_, field) => breakBroker(field, 'wipe'),
  'purge queue': breakQueue,
  'delete queue': breakQueue,
  'unbind queue': breakQueue,
  alarm: holdAlarm,
  'kill postgres': killPostgres,
  'end listeners': endAllListeners,
  'kill gateway': killGateway,
  cut: cutConnections,
  'network fault': disturbNetwork,
  'half-open': halfOpen,
  'lose commit answer': loseCommitAnswer,
  'lock account': lockAccount,
  'lock order': lockOrder,
  'silent notify': silenceNotify,
  'database away at subscription': subscribeWhileAway,
}

/** Never rejects: what cannot be done now is journalled as missed. */
export async function inject(fault: Fault, field: Field): Promise<void> {
  const fromMs = Date.now()
  field.journal.begin(fault)
  try {
    const hits = await (injectors[fault.kind] as Injector<FaultKind>)(fault as never, field)
    if (hits > 0) field.journal.end({ fault, fromMs, toMs: Date.now(), hits })
    else field.journal.miss(fault, 'nothing there to hit')
  } catch (error) {
    field.journal.miss(fault, error)
  }
}
