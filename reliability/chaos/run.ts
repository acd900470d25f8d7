import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { queues } from '#contracts/topology.ts'
import { pause } from '#local/supervisor/waiting.ts'
import { Clients } from '../judge/clients.ts'
import { History } from '../judge/history.ts'
import { readFinalState } from '../judge/read-final-state.ts'
import { verdictOf } from '../judge/verdict.ts'
import { awaitRecovery } from './await-recovery.ts'
import type { Field } from './field.ts'
import { inject } from './inject.ts'
import { enterInjected, Injections, surelySent } from './injections.ts'
import { Journal } from './journal.ts'
import { LiveChecks } from './live.ts'
import { Load, payingUsers } from './load.ts'
import type { Outcome } from './outcome.ts'
import { owedEverywhere, takeDeadLetters } from './quiesce.ts'
import { recoveriesOf } from './recovery.ts'
import { idleTransactions, readOrderTimes } from './rows.ts'
import { losses, scheduleOf, type Timed } from './schedule.ts'
import { standstill } from './standstill.ts'
import { Subscribers } from './subscribers.ts'
import type { System } from './system.ts'

export interface LoadedRun {
  seed: number
  ordersPerSecond: number
  users: number
  /**
   * How long the system may take, once no fault is left, until nothing is on its way; 3 minutes
   * unless told.
   */
  quietWithinMs?: number
  /** Whether duplicates and bad messages come in between; they do unless told. */
  injects?: boolean
  /** Where what clients saw and what was done is written to files. */
  dir: string
  progress: (line: string) => void
}

export interface RandomRun extends LoadedRun {
  durationMs: number
  paymentRequestRetry: boolean
  haste: number
}

/** For who acts: clients whose calls are judged too, and what else there is to know. */
export interface Scene {
  live: LiveChecks
  clients: Clients
  history: History
}

/** As long as the subscribers of the load have. */
const receivedWithinMs = 30_000

/** The faults that a seed draws, on a running system, under load; and the verdict. */
export async function runRandom(system: System, run: RandomRun): Promise<Outcome> {
  const standstillsMs: number[] = []
  const outcome = await runUnderLoad(system, run, async (field, { live }) => {
    standstillsMs.push(...(await injectAll(field, run, live)))
  })
  return { ...outcome, standstillsMs }
}

/**
 * A load while `act` does what it does; then all faults are undone, and when all is quiet, judged.
 * The signal of the field is given when `act` has returned.
 */
export async function runUnderLoad(
  system: System,
  run: LoadedRun,
  act: (field: Field, scene: Scene) => Promise<void>,
): Promise<Outcome> {
  const files = {
    history: fileIn(run.dir, 'history.jsonl'),
    journal: fileIn(run.dir, 'faults.jsonl'),
  }
  const history = new History(files.history.write)
  const journal = new Journal(files.journal.write)
  const load = new Load(history, { ...run, gateway: system.gateway })
  const subscribers = new Subscribers(system)
  const injections = new Injections(system, run.seed)
  const live = new LiveChecks(system.databases)
  const over = new AbortController()
  try {
    await load.start()
    const { injects = true } = run
    const beside = [injects && injections.run(over.signal), live.run(over.signal)]
    const clients = new Clients(history, { orders: system.gateway, payments: system.gateway })
    const field = { system, journal, subscribers, signal: over.signal }
    await act(field, { live, clients, history })
    over.abort()
    run.progress('no fault is left; waiting until nothing is on its way')
    const unrecovered = await awaitRecovery({ ...run, system, journal, load })
    const unreceived = await subscribers.unreceived(receivedWithinMs)
    await Promise.all(beside)
    const outcome = await judge({ system, history, journal, injections, live })
    const recoveries = [...outcome.recoveries, await subscribers.recovery()]
    const more = { recoveries, heldBack: load.held, duplicates: injections.duplicates }
    return { ...outcome, ...more, faults: [...unrecovered, ...unreceived, ...outcome.faults] }
  } finally {
    over.abort()
    load.close()
    subscribers.close()
    for (const file of Object.values(files)) file.end()
  }
}

/**
 * In their time, side by side. While no order ends the time of the schedule stands still: faults
 * that only meet a system that has not come back yet would show nothing. Those that last are ended
 * at the end. Returns how long it stood still each time.
 */
async function injectAll(
  { system, journal, subscribers }: Field,
  run: RandomRun,
  live: LiveChecks,
): Promise<number[]> {
  const names = Object.values(queues).map(({ queue }) => queue)
  const userIds = payingUsers(run.users)
  const schedule = scheduleOf({ ...run, processes: system.processes, queues: names, userIds })
  const over = new AbortController()
  const running = new Set<Promise<void>>()
  const standstillsMs: number[] = []
  let zeroMs = performance.now()
  for (const { atMs, fault } of withProgress(schedule, run)) {
    await pause(Math.max(0, zeroMs + atMs - performance.now()))
    const stoodMs = await standstill(live, journal)
    if (stoodMs > 0) standstillsMs.push(stoodMs)
    zeroMs += stoodMs
    const done = inject(fault, { system, journal, subscribers, signal: over.signal })
    running.add(done)
    void done.finally(() => running.delete(done))
  }
  await pause(Math.max(0, zeroMs + run.durationMs - performance.now()))
  over.abort()
  await Promise.all(running)
  return standstillsMs
}

function* withProgress(schedule: Timed[], { durationMs, progress }: RandomRun) {
  let next = 1
  for (const [done, timed] of schedule.entries()) {
    if (timed.atMs >= next * 60_000) {
      progress(`${next} of ${Math.ceil(durationMs / 60_000)} min, ${done} faults so far`)
      next = Math.floor(timed.atMs / 60_000) + 1
    }
    yield timed
  }
}

interface Ended {
  system: System
  history: History
  journal: Journal
  injections: Injections
  live: LiveChecks
}

async function judge({ system, history, journal, injections, live }: Ended) {
  const lossesDone = journal.injected.filter(({ fault }) => losses.includes(fault.kind))
  const { sent } = injections
  const must = surelySent(sent, Math.max(0, ...lossesDone.map((l) => l.toMs)))
  const awaited = must.map(({ messageId }) => messageId)
  const letters = await takeDeadLetters(system, awaited)
  enterInjected(history, { sent, must }, letters)
  const { databases } = system
  // First: judging keeps this process busy, and all connections of the system lead through it.
  const idling = await openTransactions(databases)
  const inBroker = { owed: await owedEverywhere(system), deadLetters: letters }
  const verdict = verdictOf(history, await readFinalState(databases, inBroker))
  return {
    verdict,
    journal,
    recoveries: recoveriesOf(journal, await readOrderTimes(databases.orders)),
    deadLetters: letters.length,
    looks: { done: live.looks, missed: live.misses },
    faults: [
      ...[...live.faults].map((fault) => `live: ${fault}`),
      ...verdict.faults,
      ...(idling > 0 ? [`${idling} transactions idle`] : []),
      ...(live.looks === 0 ? ['nobody could look while it went on'] : []),
    ],
  }
}

/** Of both databases, those that have been idle for longer than between two statements. */
export async function openTransactions({ orders, payments }: System['databases']): Promise<number> {
  const [ofOrders, ofPayments] = await Promise.all([orders, payments].map(idleTransactions))
  return (ofOrders ?? 0) + (ofPayments ?? 0)
}

function fileIn(dir: string, name: string) {
  const stream = createWriteStream(join(dir, name), { flags: 'a' })
  return {
    /** What comes after the end, since what went on could not be waited for, is left out. */
    write: (line: object) => {
      if (!stream.writableEnded) stream.write(`${JSON.stringify(line)}\n`)
    },
    end: () => void stream.end(),
  }
}
