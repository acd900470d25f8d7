import { counted } from '../../cli/table.ts'
import type { Moved } from '../../dead-letters/redrive.ts'
import { run } from './api.ts'
import { ask, type Outcome, type Proposal } from './confirm-dialog.ts'
import { mayAct } from './session.ts'

/** Chosen dead letters, or all in a dead-letter queue. */
export type Scope = { ids: string[] } | { queue: string }

type Kind = 'redrive' | 'discard'
type Result = Moved & { missing: string[] }

const words = {
  redrive: {
    title: 'Redrive',
    would: 'would be published to the queue of its consumer again',
    done: 'redriven',
  },
  discard: {
    title: 'Discard',
    would: 'would be deleted for good: no copy is kept',
    done: 'discarded',
  },
} as const

/** Shows what would be done with dead letters, and does it when the operator says so. */
export function moveLetters(kind: Kind, scope: Scope, onDone: () => Promise<void>): void {
  const { title } = words[kind]
  /** As many as were shown: what has died meanwhile is another decision. */
  let seen = 0
  ask({
    title: `${title} dead letters`,
    propose: async (withMore) => {
      const result = await move(kind, scope, { 'dry-run': true, ...beyond(kind, withMore) })
      seen = result.letters.length
      return proposalOf(kind, result, withMore)
    },
    act: async (withMore) => {
      const limit = 'queue' in scope ? { limit: String(seen), ...confirmed(kind) } : {}
      return outcomeOf(kind, await move(kind, scope, { ...beyond(kind, withMore), ...limit }))
    },
    onDone: () => void onDone(),
  })
}

const beyond = (kind: Kind, withMore: boolean): Record<string, boolean> =>
  kind === 'redrive' ? { 'beyond-inbox': withMore } : {}

async function move(kind: Kind, scope: Scope, more: Record<string, string | boolean>) {
  const isById = 'ids' in scope
  const options = { ...more, ...(isById ? {} : scope) }
  const call = { arguments: isById ? scope.ids : [], options }
  return (await run<Result>(`dlq-${kind}`, call)).result
}

function proposalOf(kind: Kind, result: Result, withMore: boolean): Proposal {
  const { letters, refused } = result
  const count = counted(letters.length, 'dead letter')
  const canBe = letters.length > 0 && mayAct()
  const asks = refused.length > 0 || withMore
  return {
    text: [`${count} ${words[kind].would}.`, ...asides(result), mayAct() ? '' : looksOnly].join(
      ' ',
    ),
    tone: kind === 'discard' && letters.length > 0 ? 'bad' : 'plain',
    list: letters.map(({ type, reason, id }) => `${type ?? 'no type'}, ${reason}, ${id}`),
    act: canBe ? `${words[kind].title} ${count}` : undefined,
    more: asks
      ? 'Also those that are older than the inbox remembers: only the ledger prevents a second effect.'
      : undefined,
  }
}

function outcomeOf(kind: Kind, result: Result): Outcome {
  const said = asides(result)
  return {
    text: [`${counted(result.letters.length, 'dead letter')} ${words[kind].done}.`, ...said].join(
      ' ',
    ),
    tone: said.length > 0 ? 'bad' : 'good',
    list: [],
  }
}

const asides = ({ refused, missing, error }: Result): string[] => [
  ...(refused.length > 0
    ? [`${counted(refused.length, 'event')} older than the inbox remembers, left in place.`]
    : []),
  ...(missing.length > 0
    ? [`${missing.length} gone meanwhile: somebody has redriven or discarded them.`]
    : []),
  ...(error === null ? [] : [`Ended early, all others are in their places: ${error}`]),
]

/** As on the command line, a whole queue is discarded only if that is meant. */
const confirmed = (kind: Kind): Record<string, boolean> => (kind === 'discard' ? { yes: true } : {})

const looksOnly = 'This page looks only: it was started without OPERATOR_PAGE=act.'
