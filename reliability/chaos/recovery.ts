import { type Detection, type InjectedFault, type Journal, noNotifications } from './journal.ts'
import type { OrderTimes } from './rows.ts'
import { type FaultKind, losses } from './schedule.ts'

/** How long things took, sorted. */
export interface Distribution {
  count: number
  p50Ms: number
  p99Ms: number
  maxMs: number
}

/** How long something took, against what it may take. */
export interface Recovery {
  what: string
  times: Distribution
  /** For the 99th percentile; undefined where nothing was promised. */
  targetMs: number | undefined
}

export function distributionOf(times: readonly number[]): Distribution {
  const sorted = times.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? 0
  return { count: sorted.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) }
}

/**
 * For each order that was on its way when one of these faults began: how long after that it was
 * final. An order that several of them met counts from the first.
 */
export function recoveryTimes(
  faults: readonly InjectedFault[],
  lives: readonly OrderTimes[],
): number[] {
  const begins = faults.map(({ fromMs }) => fromMs).toSorted((a, b) => a - b)
  return lives.flatMap(({ created, updated }) => {
    const met = begins.find((beginMs) => beginMs >= created && beginMs <= updated)
    return met === undefined ? [] : [updated - met]
  })
}

/**
 * Whose account somebody held meanwhile, and until when: that order waits for it, whatever else
 * goes on.
 */
export function heldUntil(
  { userId, created, updated }: OrderTimes,
  faults: readonly InjectedFault[],
) {
  const locks = faults.filter(
    ({ fault, fromMs, toMs }) =>
      fault.kind === 'lock account' &&
      fault.userId === userId &&
      created <= toMs &&
      updated >= fromMs,
  )
  return locks.length === 0 ? undefined : Math.max(...locks.map(({ toMs }) => toMs))
}

/** Faults during which, and for so long after which, no other fault went on. */
export function alone(faults: readonly InjectedFault[], afterMs: number): InjectedFault[] {
  return faults.filter((one) =>
    faults.every(
      (other) =>
        other === one || other.fromMs > one.toMs + afterMs || other.toMs + afterMs < one.fromMs,
    ),
  )
}

const takesDatabases: readonly FaultKind[] = ['kill postgres', 'database away at subscription']
const ofBroker: readonly FaultKind[] = ['kill broker', 'stop broker', 'wipe broker']

/** Faults that keep a server, or who talks to it, from noticing and from coming back. */
const disturbs = (link: string, { fault }: InjectedFault): boolean => {
  if (fault.kind === 'stop') return true
  if (link === 'broker') return ofBroker.includes(fault.kind) || isOn(fault, /^broker$/)
  return takesDatabases.includes(fault.kind) || isOn(fault, /database$/)
}

const isOn = (fault: InjectedFault['fault'], links: RegExp) =>
  'link' in fault && links.test(fault.link)

/** What took longer than by itself: more than the one fault that it is about went on. */
export const isDisturbed = (
  { link, atMs, afterMs }: Detection,
  faults: readonly InjectedFault[],
): boolean =>
  faults
    .filter((one) => disturbs(link, one))
    .filter(({ fromMs, toMs }) => fromMs <= atMs && toMs >= atMs - afterMs).length > 1

/** What a cell can be about. */
export const shown = {
  kill: 'orders final after a kill, nothing else near',
  brokerKill: 'orders final after a killed broker',
  postgresKill: 'orders final after a killed PostgreSQL',
  loss: 'orders final after the broker lost them, nothing else near',
  listenEnded: 'LISTEN again after its connection was ended, nothing else near',
  listenHalfOpen: 'half-open LISTEN given up, nothing else near',
  listenDeaf: 'LISTEN that hears nothing given up, nothing else near',
  brokerHalfOpen: 'half-open broker connection given up, nothing else near',
  databaseHalfOpen: 'half-open database connection given up, nothing else near',
} as const

/** What a run says of the times that were promised. Kills count where no other fault was near. */
export function recoveriesOf(journal: Journal, all: readonly OrderTimes[]): Recovery[] {
  const { injected, detections } = journal
  const isHeld = (life: OrderTimes) => heldUntil(life, injected) !== undefined
  const [held, lives] = [all.filter(isHeld), all.filter((life) => !isHeld(life))]
  const of = (...kinds: FaultKind[]) => injected.filter(({ fault }) => kinds.includes(fault.kind))
  const detected = (is: (detection: Detection) => boolean) =>
    distributionOf(detections.filter(is).map(({ afterMs }) => afterMs))
  const orders = (faults: InjectedFault[]) => distributionOf(recoveryTimes(faults, lives))
  const lonely = new Set(alone(injected, 3_000))
  const isListen = ({ who }: Detection) => who.endsWith(' listen')
  const isCalm = (one: Detection) => !isDisturbed(one, injected)
  const isUnnotified = ({ ways }: Detection) => ways === noNotifications
  const isHalfOpen = (one: Detection) => one.ways !== 'ended' && !isUnnotified(one)
  const isEnded = (one: Detection) => isListen(one) && one.ways === 'ended'
  const isPool = ({ who, link }: Detection) => link.endsWith('database') && !who.endsWith(' listen')
  return [
    {
      what: shown.kill,
      times: orders(of('kill').filter((kill) => lonely.has(kill))),
      targetMs: 5_000,
    },
    {
      what: 'orders final after a kill, whatever else went on',
      times: orders(of('kill')),
      targetMs: undefined,
    },
    {
      what: shown.brokerKill,
      times: orders(of('kill broker')),
      targetMs: undefined,
    },
    {
      what: shown.postgresKill,
      times: orders(of('kill postgres')),
      targetMs: undefined,
    },
    {
      what: shown.loss,
      times: orders(of(...losses).filter((loss) => lonely.has(loss))),
      targetMs: 35_000,
    },
    {
      what: 'orders final after a wiped broker, whatever else went on',
      times: orders(of('wipe broker')),
      targetMs: undefined,
    },
    {
      what: 'orders of a locked account final after it was free, whatever else went on',
      times: distributionOf(
        held.map((life) => Math.max(0, life.updated - (heldUntil(life, injected) ?? 0))),
      ),
      targetMs: undefined,
    },
    {
      what: shown.listenEnded,
      times: detected((one) => isEnded(one) && isCalm(one)),
      targetMs: 5_000,
    },
    {
      what: 'LISTEN again after its connection was ended, whatever else went on',
      times: detected(isEnded),
      targetMs: undefined,
    },
    {
      what: shown.listenHalfOpen,
      times: detected((one) => isListen(one) && isHalfOpen(one) && isCalm(one)),
      targetMs: 5_000,
    },
    {
      what: 'half-open LISTEN given up, whatever else went on',
      times: detected((one) => isListen(one) && isHalfOpen(one)),
      targetMs: undefined,
    },
    {
      what: shown.listenDeaf,
      times: detected((one) => isUnnotified(one) && isCalm(one)),
      targetMs: 5_000,
    },
    {
      what: 'LISTEN that hears nothing given up, whatever else went on',
      times: detected(isUnnotified),
      targetMs: undefined,
    },
    {
      what: shown.brokerHalfOpen,
      times: detected((one) => one.link === 'broker' && isCalm(one)),
      targetMs: 15_000,
    },
    {
      what: 'half-open broker connection given up, whatever else went on',
      times: detected(({ link }) => link === 'broker'),
      targetMs: undefined,
    },
    {
      what: shown.databaseHalfOpen,
      times: detected((one) => isPool(one) && isHalfOpen(one) && isCalm(one)),
      targetMs: 15_000,
    },
    {
      what: 'half-open database connection given up, whatever else went on',
      times: detected((one) => isPool(one) && isHalfOpen(one)),
      targetMs: undefined,
    },
  ]
}
