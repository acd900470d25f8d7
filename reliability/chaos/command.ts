import type { Cell } from './cell.ts'
import { type Options, parseOptions } from './options.ts'

/**
 * The command that makes a run once more, of one cell or the random run: with all that tells it
 * from another one, and without what is as usual. Pure.
 */
export const commandOf = (options: Options, cell?: Pick<Cell, 'name' | 'count'>): string =>
  ['npm run chaos --', ...(cell ? ofCell(options, cell) : ofRandomRun(options))].join(' ')

const usual = parseOptions([], [])

function ofCell({ seed, count }: Options, cell: Pick<Cell, 'name' | 'count'>): string[] {
  return [
    `--only ${cell.name}`,
    ...(count === undefined || count === cell.count ? [] : [`--count ${count}`]),
    ...(seed === usual.seed ? [] : [`--seed ${seed}`]),
  ]
}

function ofRandomRun(options: Options): string[] {
  const { seed, minutes, paymentRequestRetry, ordersPerSecond, users, haste } = options
  return [
    `--seed ${seed} --minutes ${minutes} --payment-request-retry ${paymentRequestRetry ? 'on' : 'off'}`,
    ...(ordersPerSecond === usual.ordersPerSecond
      ? []
      : [`--orders-per-second ${ordersPerSecond}`]),
    ...(users === usual.users ? [] : [`--users ${users}`]),
    ...(haste === usual.haste ? [] : [`--haste ${haste}`]),
  ]
}
