import type { NetworkFault, Way } from '#testing/proxied-connection.ts'
import { type Cell, faultAfterFault } from '../cell.ts'
import { shown } from '../recovery.ts'
import type { Fault, Link } from '../schedule.ts'

const databases = ['orders database', 'payments database'] as const
const toServers: Link[] = [...databases, 'broker']
const oneWayOrBoth: Way[][] = [['up'], ['down'], ['up', 'down']]
const networkFaults: NetworkFault[] = [
  { silent: ['up', 'down'] },
  { delayMs: 200, jitterMs: 100 },
  { pieceBytes: 100 },
  { lateEndMs: 5_000 },
]

const onLink = (link: Link): Fault[] => [
  { kind: 'cut', link, name: '' },
  ...oneWayOrBoth.map((ways): Fault => ({ kind: 'half-open', link, name: '', ways })),
  ...networkFaults.map(
    (networkFault): Fault => ({
      kind: 'network fault',
      link,
      name: '',
      networkFault,
      forMs: 4_000,
    }),
  ),
]

/** X8, X9 and X18: connections that break, each in every way, and how soon it is noticed. */
export const networkCells: Cell[] = [
  {
    name: 'x8',
    title: 'the answer to a COMMIT lost, of either database',
    count: 20,
    run: faultAfterFault(
      (count) =>
        Array.from({ length: count }, (_, index) => ({
          kind: 'lose commit answer',
          link: databases[index % 2] as Link,
        })),
      { withinMs: 20_000 },
    ),
  },
  {
    name: 'x9',
    title:
      'each link to a server cut, half-open (up, down, both), silent, slow, in pieces, its end told 5 s late',
    count: 1,
    run: faultAfterFault(
      (count) => Array.from({ length: count }, () => toServers.flatMap(onLink)).flat(),
      {
        withinMs: 40_000,
        shows: [shown.listenHalfOpen, shown.brokerHalfOpen, shown.databaseHalfOpen],
      },
    ),
  },
  {
    name: 'x18',
    title:
      'LISTEN ended, WebSockets cut, then silent one way (to the client) for 3 s, the gateway killed',
    count: 5,
    run: faultAfterFault(
      (count) =>
        Array.from({ length: count }, (): Fault[] => [
          { kind: 'end listeners' },
          { kind: 'cut', link: 'gateway', name: '' },
          {
            kind: 'network fault',
            link: 'gateway',
            name: '',
            networkFault: { silent: ['down'] },
            forMs: 3_000,
          },
          { kind: 'kill gateway', signal: 'SIGKILL' },
          { kind: 'kill gateway', signal: 'SIGTERM' },
        ]).flat(),
      { withinMs: 20_000, shows: [shown.listenEnded] },
    ),
  },
]
