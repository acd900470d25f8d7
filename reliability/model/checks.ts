/** Something that holds of every run: `safety` of every moment, `liveness` in the end. */
export interface Property {
  kind: 'safety' | 'liveness'
  meaning: string
}

/** By the names that they have in the models. */
export const properties: Record<string, Property> = {
  safety: { kind: 'safety', meaning: 'all of the safety properties' },
  one_debit: { kind: 'safety', meaning: 'no order is debited twice' },
  one_credit: { kind: 'safety', meaning: 'no order is refunded twice, or without a debit' },
  status_is_true: { kind: 'safety', meaning: 'a status never disagrees with the ledger' },
  final_is_final: { kind: 'safety', meaning: 'a final status never changes' },
  books_add_up: {
    kind: 'safety',
    meaning: 'balance = start − debits + refunds, and never negative',
  },
  handled_once: { kind: 'safety', meaning: 'an event has its effect once' },
  set_aside: { kind: 'safety', meaning: 'a message that contradicts has no effect' },
  none_lost: { kind: 'safety', meaning: 'a pending order is always on its way, on disk' },
  every_order_ends: { kind: 'liveness', meaning: 'every accepted order becomes final' },
  every_refund_ends: { kind: 'liveness', meaning: 'every accepted refund ends' },
  four_deaths: { kind: 'safety', meaning: 'a message kills its consumer four times at most' },
  innocents_stay: { kind: 'safety', meaning: 'no neighbour of a killer is parked' },
  killer_is_parked: { kind: 'liveness', meaning: 'a message that kills is parked' },
  neighbours_end: { kind: 'liveness', meaning: 'the neighbours of a killer are handled' },
}

/** One property of one model in one size, and what the check must say. */
export interface Check {
  name: string
  model: 'orders' | 'attempts'
  /** Sizes, budgets of faults and mutants: what follows -D. */
  defines: readonly string[]
  property: string
  isMutant: boolean
}

/** Sizes of the system as built; each is checked with each property named. */
const builds: [name: string, model: Check['model'], defines: string, properties: string][] = [
  [
    'crashes, two replicas each',
    'orders',
    'CRASHES=3 RELAYS=2 CONSUMERS=2',
    'safety every_order_ends',
  ],
  ['two orders, money for one', 'orders', 'ORDERS=2 CRASHES=2 CONSUMERS=2', 'safety'],
  ['two orders, both end', 'orders', 'ORDERS=2 CRASHES=1 CONSUMERS=2', 'every_order_ends'],
  ['frozen processes', 'orders', 'CRASHES=1 FREEZES=3 RELAYS=2 CONSUMERS=2', 'safety'],
  [
    'frozen, one for good',
    'orders',
    'CRASHES=1 FREEZES=2 RELAYS=2 CONSUMERS=2',
    'every_order_ends',
  ],
  [
    'lost confirms and bindings, duplicates',
    'orders',
    'CRASHES=1 LOST_CONFIRMS=2 UNBINDS=1 DUPLICATES=2',
    'safety every_order_ends',
  ],
  [
    'dead letters and redrive',
    'orders',
    'CRASHES=2 FAILURES=2 LOST_CONFIRMS=1',
    'safety every_order_ends',
  ],
  [
    'messages that contradict',
    'orders',
    'FORGERIES CRASHES=2 DUPLICATES=1',
    'safety every_order_ends',
  ],
  ['broker wiped, asking again', 'orders', 'ASKING WIPES=2 CRASHES=2', 'safety every_order_ends'],
  [
    'refused, then topped up, asked again',
    'orders',
    'ASKING WIPES=1 TOP_UPS=1 BALANCE=0 CRASHES=1 DUPLICATES=1',
    'safety every_order_ends',
  ],
  [
    'refunds, crashes, two consumers',
    'orders',
    'REFUNDS CRASHES=2 CONSUMERS=2 DUPLICATES=1',
    'safety every_refund_ends',
  ],
  [
    'refunds asked again, broker wiped',
    'orders',
    'REFUNDS ASKING WIPES=1 CRASHES=1',
    'safety every_refund_ends',
  ],
  [
    'a message that kills its consumer',
    'attempts',
    'CRASHES=1 FAILS=3 REPLICAS=2',
    'safety killer_is_parked neighbours_end',
  ],
]

/** Protections taken away, the least that shows it, and what breaks. */
const mutants: [name: string, model: Check['model'], defines: string, property: string][] = [
  ['order and outbox row in two transactions', 'orders', 'OUTBOX_APART CRASHES=1', 'none_lost'],
  ['marked before it is published', 'orders', 'MARK_BEFORE_PUBLISH', 'none_lost'],
  ['returned as unroutable counts as published', 'orders', 'IGNORE_RETURNS UNBINDS=1', 'none_lost'],
  [
    'no confirm in time counts as published',
    'orders',
    'LATE_IS_CONFIRMED LOST_CONFIRMS=1',
    'none_lost',
  ],
  ['the lock of a dead relay stays', 'orders', 'LOCK_OUTLIVES_RELAY CRASHES=1', 'every_order_ends'],
  [
    'the lock of a frozen relay stays',
    'orders',
    'NO_IDLE_TIMEOUT FREEZES=1 RELAYS=2',
    'every_order_ends',
  ],
  ['no inbox', 'orders', 'NO_INBOX CRASHES=1', 'handled_once'],
  ['inbox in a transaction of its own', 'orders', 'INBOX_APART CRASHES=1', 'none_lost'],
  ['acknowledged before the commit', 'orders', 'ACK_BEFORE_COMMIT', 'none_lost'],
  ['no fence in the ledger', 'orders', 'NO_LEDGER_FENCE ASKING BALANCE=2', 'one_debit'],
  [
    'no inbox and no fence in the ledger',
    'orders',
    'NO_INBOX NO_LEDGER_FENCE CRASHES=1 BALANCE=2',
    'one_debit',
  ],
  ['balance not looked at', 'orders', 'NO_BALANCE_CHECK ORDERS=2', 'books_add_up'],
  ['account not locked', 'orders', 'NO_ACCOUNT_LOCK ORDERS=2 CONSUMERS=2', 'books_add_up'],
  ['reply in a transaction of its own', 'orders', 'REPLY_APART CRASHES=1', 'none_lost'],
  [
    'a refusal is not recorded',
    'orders',
    'REFUSAL_NOT_RECORDED ASKING TOP_UPS=1 BALANCE=0',
    'status_is_true',
  ],
  ['no guard of the status', 'orders', 'NO_STATUS_GUARD FORGERIES', 'final_is_final'],
  ['amounts not compared', 'orders', 'AMOUNT_NOT_COMPARED FORGERIES', 'set_aside'],
  ['no asking again', 'orders', 'NO_ASKING ASKING WIPES=1', 'every_order_ends'],
  [
    'asked again with the same event id',
    'orders',
    'SAME_ID_AGAIN ASKING WIPES=1',
    'every_order_ends',
  ],
  ['the outcome is not repeated', 'orders', 'NO_REPEATED_REPLY ASKING WIPES=1', 'every_order_ends'],
  [
    'no fence for refunds in the ledger',
    'orders',
    'REFUNDS NO_REFUND_FENCE ASKING WIPES=1',
    'one_credit',
  ],
  ['a refund takes the money again', 'orders', 'REFUNDS REFUND_TAKES', 'books_add_up'],
  [
    'a late payment reply overwrites a refund',
    'orders',
    'REFUNDS LATE_REPLY_OVERWRITES ASKING WIPES=1',
    'final_is_final',
  ],
  ['acknowledged before the dead letter', 'orders', 'ACK_BEFORE_LETTER FAILURES=1', 'none_lost'],
  ['a parked event stays in the inbox', 'orders', 'PARKED_IS_REMEMBERED FAILURES=1', 'none_lost'],
  ['redrive acknowledges first', 'orders', 'REDRIVE_ACK_FIRST FAILURES=1', 'none_lost'],
  ['nobody redrives', 'orders', 'NO_REDRIVE FAILURES=1', 'every_order_ends'],
  ['starts not counted', 'attempts', 'ATTEMPTS_NOT_COUNTED', 'four_deaths'],
  ['starts counted in memory', 'attempts', 'COUNT_IN_MEMORY', 'killer_is_parked'],
  ['what came back handled in batches', 'attempts', 'BATCH_BLAMED', 'innocents_stay'],
  ['failures counted as deaths', 'attempts', 'FINISHED_NOT_COUNTED FAILS=3', 'innocents_stay'],
  ['count forgotten at the ack', 'attempts', 'FORGET_AT_ACK', 'innocents_stay'],
]

/** Everything that `npm run model` checks. */
export const checks: readonly Check[] = [
  ...builds.flatMap(([name, model, defines, names]) =>
    names.split(' ').map((property) => checkOf(name, model, defines, property, false)),
  ),
  ...mutants.map(([name, model, defines, property]) =>
    checkOf(name, model, defines, property, true),
  ),
]

function checkOf(
  name: string,
  model: Check['model'],
  defines: string,
  property: string,
  isMutant: boolean,
): Check {
  return { name, model, defines: defines.split(' '), property, isMutant }
}
