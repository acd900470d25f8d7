import { allEventTypes, eventTypes } from '#contracts/event-types.ts'
import { routes } from '#contracts/topology.ts'
import type { ProcessName } from '#local/stack/ports.ts'
import { pause } from '#local/supervisor/waiting.ts'
import { misuseKey, openTwice, refundAgain, repeatCall, topUpNobody } from './provocations/calls.ts'
import { cutListener, notifyRelay, notifyStatus, unbind } from './provocations/links.ts'
import { contradict, sendAgain, sendNonsense } from './provocations/messages.ts'
import { letComeAgain, letDefer, letFail, letTimeOut } from './provocations/trouble.ts'
import type { System } from './system.ts'

/** What is rare by itself, and how to bring it about; it may need several tries. */
interface Provocation {
  process: RegExp
  /** It may lead to any of these, and in the end has led to each. */
  seams: RegExp[]
  bring: Bring
}

type Bring = (
  system: System,
  process: ProcessName,
  /** Until then a disturbance may last, if that helps, and is waited for what it leads to. */
  signal?: AbortSignal,
) => Promise<void>

/** The rare things that may lead a process to this seam. */
export const provocationsOf = (process: string, seam: string): Bring[] =>
  provocations
    .filter((one) => one.process.test(process) && one.seams.some((pattern) => pattern.test(seam)))
    .map(({ bring }) => bring)

/** The rare things that are still to be brought about, each with the seams that are not met yet. */
export const missingProvocations = (process: ProcessName, met: string[]): Provocation[] =>
  provocations
    .filter((one) => one.process.test(process))
    .map((one) => ({ ...one, seams: one.seams.filter((pattern) => !met.some(matches(pattern))) }))
    .filter(({ seams }) => seams.length > 0)

const matches = (pattern: RegExp) => (text: string) => pattern.test(text)

/** The same by name, for scenarios. */
export const provocationsNamed = {
  nonsense: sendNonsense,
  contradiction: contradict,
  again: sendAgain,
  unbound: (system: System, meanwhile: () => Promise<unknown>) =>
    unbind(system, Object.values(routes), meanwhile),
  deaf: cutListener,
}

/** What can happen to the messages of one route: to whom, and on their way from whom. */
const ofRoutes = allEventTypes.flatMap((type): Provocation[] => {
  const route = routes[type]
  const { from, to } = eventTypes[type]
  const unbinding: Bring = (system, _, signal) =>
    unbind(system, [route], signal && (() => pause(3_000, signal)))
  return [
    {
      process: new RegExp(`^${to}-consumer$`),
      seams: [new RegExp(`redelivery of ${route.routingKey}$`)],
      bring: (system, process, signal) => letComeAgain(system, process, signal, route),
    },
    {
      process: new RegExp(`^${from}-relay$`),
      seams: [new RegExp(`return of ${route.routingKey}$`), /markFailed$/],
      bring: unbinding,
    },
  ]
})

const provocations: Provocation[] = [
  ...ofRoutes,
  {
    process: /-consumer$/,
    seams: [/^publish \S+\.dlq$/, /^confirm received$/, /^delivery of \S+-consumer$/],
    bring: sendNonsense,
  },
  { process: /-consumer$/, seams: [/deleteFromInbox$/], bring: contradict },
  { process: /-consumer$/, seams: [/^commit of insertIntoInbox$/], bring: sendAgain },
  {
    process: /-consumer$/,
    seams: [
      /^redelivery of \S+-consumer$/,
      /^readAttempts$/,
      /^recordStart$/,
      /^deleteAttempts$/,
      /^rollback of deleteAttempts$/,
      /^commit of deleteAttempts$/,
    ],
    bring: letComeAgain,
  },
  { process: /-consumer$/, seams: [/^revertStart$/], bring: letTimeOut },
  { process: /-consumer$/, seams: [/^recordFailure$/], bring: letFail },
  {
    process: /-consumer$/,
    seams: [
      /^limitLockWaits$/,
      /^lockOrSkip(Accounts|Orders)$/,
      /^commit of nothing$/,
      /^insertDeferred$/,
      /^claimDeferred$/,
      /^publish (payments|orders)-consumer$/,
      /^deleteDeferred$/,
      /^commit of deleteDeferred$/,
    ],
    bring: letDefer,
  },
  { process: /-relay$/, seams: [/^hear outbox$/], bring: notifyRelay },
  { process: /^orders-api$/, seams: [/^answer POST \/orders 422$/], bring: misuseKey },
  { process: /^orders-api$/, seams: [/^readChangedOrders$/], bring: cutListener },
  { process: /^orders-api$/, seams: [/^hear order_status$/], bring: notifyStatus },
  {
    process: /^orders-api$/,
    seams: [/^rollback of nothing$/, /^answer POST \/orders\/:id\/refund 409$/],
    bring: refundAgain,
  },
  { process: /-api$/, seams: [/^commit of nothing$/], bring: repeatCall },
  {
    process: /^payments-api$/,
    seams: [/^rollback of insert/, /^answer POST \/accounts 409$/],
    bring: openTwice,
  },
  {
    process: /^payments-api$/,
    seams: [/^rollback of nothing$/, /^answer POST \/accounts\/:id\/topup 404$/],
    bring: topUpNobody,
  },
]
