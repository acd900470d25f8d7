import { count, type Kind } from './fuzz.ts'
import { opcodes, rightFrame, type SocketCase, socketCases } from './inputs/frames.ts'
import { filled } from './inputs/stand-ins.ts'
import { broken, endingOf, socketNevers } from './nevers.ts'
import { inPool } from './pool.ts'
import { exchangeFrames } from './raw-socket.ts'
import type { Target } from './target.ts'

/** How many connections are open at a time. */
const poolSize = 60

/** A server that says nothing for so long has said everything. */
const quietMs = 100

/** Frames on the WebSocket, at the gateway and past it. The last one closes the connection. */
export function socketKind({ doors, values, secrets }: Target): Kind<SocketCase> {
  const close = rightFrame(opcodes.close, '\x03\xe8')
  const endings = new Map<string, number>()
  const attempt = async ({ to, query, frames, messages }: SocketCase): Promise<string[]> => {
    const sent = filled(frames, values)
    const sending = { frames: sent, close, query: filled(query, values), token: values.token }
    const seen = await exchangeFrames(doors[to], { ...sending, quietMs })
    for (const frame of seen.received ?? []) count(endings, endingOf(frame))
    return broken(socketNevers, { ...seen, sent: sent + query, messages, secrets })
  }
  return {
    name: 'ws',
    cases: socketCases,
    ...{ batchSize: 240, endings },
    attempt: (cases) => inPool(cases, poolSize, attempt),
  }
}
