import amqp from 'amqplib'
import { connectDatabase } from '#chassis/database/connect.ts'
import { managementOf } from '../chaos/broker.ts'
import { quiesce } from '../chaos/quiesce.ts'
import { type Databases, readFinalState } from '../judge/read-final-state.ts'
import { type Failure, type FuzzOptions, fuzz, type Kind } from './fuzz.ts'
import { httpKind } from './fuzz-http.ts'
import { messageKind } from './fuzz-messages.ts'
import { socketKind } from './fuzz-sockets.ts'
import type { SocketCase } from './inputs/frames.ts'
import type { HttpCase } from './inputs/http-requests.ts'
import type { MessageCase } from './inputs/messages.ts'
import { stopped } from './nevers.ts'
import { startTarget, type Target } from './target.ts'

/** What each kind of input is. */
export interface Cases {
  http: HttpCase
  ws: SocketCase
  amqp: MessageCase
}
export type KindName = keyof Cases
export const kindNames = ['http', 'ws', 'amqp'] as const satisfies KindName[]

/** A running stack, and what can be sent to it. */
export interface Fuzzer extends AsyncDisposable {
  /** Sends cases drawn from a seed; what was broken. */
  fuzz: (kind: KindName, options: FuzzOptions) => Promise<Failure[]>
  /** Sends these cases; what is wrong of each. */
  retry: <Name extends KindName>(kind: Name, cases: Cases[Name][]) => Promise<string[]>
  /** What is wrong when nothing is on its way any more: with the money, and in the logs. */
  settled: () => Promise<string[]>
}

/** Each kind of input, with that many cases, at one stack; what was broken. */
export async function runFuzz(kinds: readonly KindName[], options: FuzzOptions) {
  await using fuzzer = await startFuzzer()
  const failures: Failure[] = []
  for (const kind of kinds) failures.push(...(await fuzzer.fuzz(kind, options)))
  const atLast = await fuzzer.settled()
  return [...failures, ...atLast.map((what) => ({ kind: 'all', what, smallest: '' }))]
}

export async function startFuzzer(): Promise<Fuzzer> {
  await using opened = new AsyncDisposableStack()
  const target = opened.use(await startTarget())
  const connection = await amqp.connect(target.stack.amqp_url)
  opened.defer(() => connection.close())
  const databases = openDatabases(target)
  for (const db of Object.values(databases)) opened.defer(() => db.close())
  const channel = await connection.createConfirmChannel()
  const kinds: { [Name in KindName]: Kind<Cases[Name]> } = {
    http: httpKind(target),
    ws: socketKind(target),
    amqp: await messageKind(target, databases, channel),
  }
  const before = target.pids()
  const kindOf = <Name extends KindName>(name: Name) => {
    const kind = kinds[name] as Kind<Cases[Name]>
    const aftermath = () => [...(kind.aftermath?.() ?? []), ...stopped(before, target.pids())]
    return { ...kind, aftermath }
  }
  const owned = opened.move()
  return {
    fuzz: (name, options) => fuzz(kindOf(name) as Kind<unknown>, options),
    retry: async (name, cases) => {
      const { attempt, aftermath } = kindOf(name)
      return [...(await attempt(cases)).flat(), ...aftermath()]
    },
    settled: () => settled(target, databases),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function openDatabases({ stack }: Target): Databases {
  const name = 'onlooker'
  return {
    orders: connectDatabase({ name, url: stack.orders_database_url }),
    payments: connectDatabase({ name, url: stack.payments_database_url }),
  }
}

async function settled(target: Target, databases: Databases): Promise<string[]> {
  const broker = { manage: managementOf(target.stack.rabbitmq_management) }
  const isQuiet = await quiesce({ databases, broker }, 120_000)
  const state = await readFinalState(databases, { owed: {}, deadLetters: [] })
  const all = [
    ...(isQuiet ? [] : ['loses what is on its way: it does not come to an end']),
    ...target.topUps.faults(state),
    ...target.errors().map((line) => `logs an error: ${line}`),
  ]
  return all.slice(0, 20)
}
