import type { Cell } from '../cell.ts'
import { alarmCell } from './alarm.ts'
import { clockCell } from './clock.ts'
import { consumerCells } from './consumers.ts'
import { diskCell } from './disk.ts'
import { lockCells } from './locks.ts'
import { lossCell } from './losses.ts'
import { messageCells } from './messages.ts'
import { networkCells } from './network.ts'
import { outageCell } from './outage.ts'
import { rollingCell } from './rolling.ts'
import { serverCells } from './servers.ts'
import { silentLinksCell } from './silent-links.ts'
import { subscriptionCells } from './subscriptions.ts'

/** Those of the failure catalogue have a number; what has none comes after them. */
const numberOf = ({ name }: Cell): number => Number(/^x(\d+)$/.exec(name)?.[1] ?? Number.MAX_VALUE)

/** In the order of their names. */
export const cells: Cell[] = [
  ...serverCells,
  ...networkCells,
  ...consumerCells,
  ...messageCells,
  alarmCell,
  lossCell,
  clockCell,
  diskCell,
  outageCell,
  rollingCell,
  silentLinksCell,
  ...lockCells,
  ...subscriptionCells,
].toSorted((one, other) => numberOf(one) - numberOf(other))
