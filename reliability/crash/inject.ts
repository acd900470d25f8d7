import { allEventTypes, eventTypes } from '#contracts/event-types.ts'
import { routes } from '#contracts/topology.ts'
import type { ProcessName } from '#local/stack/ports.ts'
import { pause } from '#local/supervisor/waiting.ts'
import { misuseKey, openTwice, refundAgain, repeatCall, topUpNobody } from './injections/calls.ts'
import { cutListener, notifyRelay, notifyStatus, unbind } from './injections/links.ts'
import { contradict, sendAgain, sendNonsense } from './injections/messages.ts'
import {
  letComeAgain,
  letDefer,
  letFail,
  letLoseItsSession,
  letTimeOut,
} from './injections/trouble.ts'
import type { System } from './system.ts'

/** What is rare by itself, and how to bring it about; it may need several tries. */
interface Injection {
  process: RegExp
  /** It may lead to any of these, and in the end has led to each. */
  points: RegExp[]
  inject: Inject
}

type Inject = (
  system: System,
  process: ProcessName,
  /** Until then a disturbance may last, if that helps, and is waited for what it leads to. */
  signal?: AbortSignal,
) => Promise<void>

/** The rare things that may lead a process to this fault point. */
export const injectionsFor = (process: string, point: string): Inject[] =>
  injections
    .filter((one) => one.process.test(process) && one.points.some((pattern) => pattern.test(point)))
    .map(({ inject }) => inject)

/**
 * The rare things that are still to be brought about, each with the fault points that are not met
 * yet.
 */
export const missingInjections = (process: ProcessName, met: string[]): Injection[] =>
  injections
    .filter((one) => one.process.test(process))
    .map((one) => ({ ...one, points: one.points.filter((pattern) => !met.some(matches(pattern))) }))
    .filter(({ points }) => points.length > 0)

const matches = (pattern: RegExp) => (text: string) => pattern.test(text)

/** The same by name, for scenarios. */
export const injectionsByName = {
  nonsense: sendNonsense,
  contradiction: contradict,
  again: sendAgain,
  unbound: (system: System, meanwhile: () => Promise<unknown>) =>
    unbind(system, Object.values(routes), meanwhile),
  listenCut: cutListener,
}

/** What can happen to the messages of one route: to whom, and on their way from whom. */
const ofRoutes = allEventTypes.flatMap((type): Injection[] => {
  const route = routes[type]
  const { from, to } = eventTypes[type]
  const unbinding: Inject = (system, _, signal) =>
    unbind(system, [route], signal && (() => pause(3_000, signal)))
  return [
    {
      process: new RegExp(`^${to}-consumer$`),
      points: [new RegExp(`redelivery of ${route.routingKey}$`)],
      inject: (system, process, signal) => letComeAgain(system, process, signal, route),
    },
    {
      process: new RegExp(`^${from}-relay$`),
      points: [new RegExp(`return of ${route.routingKey}$`), /markFailed$/],
      inject: unbinding,
    },
  ]
})

const injections: Injection[] = [
  ...ofRoutes,
  {
    process: /-consumer$/,
    points: [/^publish \S+\.dlq$/, /^confirm received$/, /^delivery of \S+-consumer$/],
    inject: sendNonsense,
  },
  { process: /-consumer$/, points: [/deleteFromInbox$/], inject: contradict },
  { process: /-consumer$/, points: [/^commit of insertIntoInbox$/], inject: sendAgain },
  {
    process: /-consumer$/,
    points: [
      /^redelivery of \S+-consumer$/,
      /^readAttempts$/,
      /^recordStarts$/,
      /^deleteAttempts$/,
      /^rollback of deleteAttempts$/,
      /^commit of deleteAttempts$/,
    ],
    inject: letComeAgain,
  },
  { process: /-consumer$/, points: [/^revertStarts$/], inject: letTimeOut },
  { process: /-consumer$/, points: [/^revertAllStarts$/], inject: letLoseItsSession },
  { process: /-consumer$/, points: [/^recordFailure$/], inject: letFail },
  {
    process: /-consumer$/,
    points: [
      /^limitLockWaits$/,
      /^lockOrSkip(Accounts|Orders)$/,
      /^commit of nothing$/,
      /^insertDeferred$/,
      /^claimDeferred$/,
      /^publish (payments|orders)-consumer$/,
      /^deleteDeferred$/,
      /^commit of deleteDeferred$/,
    ],
    inject: letDefer,
  },
  { process: /-relay$/, points: [/^hear outbox$/], inject: notifyRelay },
  { process: /^orders-api$/, points: [/^answer POST \/orders 422$/], inject: misuseKey },
  { process: /^orders-api$/, points: [/^readChangedOrders$/], inject: cutListener },
  { process: /^orders-api$/, points: [/^hear order_status$/], inject: notifyStatus },
  {
    process: /^orders-api$/,
    points: [/^rollback of nothing$/, /^answer POST \/orders\/:id\/refund 409$/],
    inject: refundAgain,
  },
  { process: /-api$/, points: [/^commit of nothing$/], inject: repeatCall },
  {
    process: /^payments-api$/,
    points: [/^rollback of insert/, /^answer POST \/accounts 409$/],
    inject: openTwice,
  },
  {
    process: /^payments-api$/,
    points: [/^rollback of nothing$/, /^answer POST \/accounts\/:id\/topup 404$/],
    inject: topUpNobody,
  },
]
