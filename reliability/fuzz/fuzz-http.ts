import { exchange } from '#testing/raw-http.ts'
import { count, type Kind } from './fuzz.ts'
import { type HttpCase, httpRequests } from './inputs/http-requests.ts'
import { filled } from './inputs/stand-ins.ts'
import { broken, httpNevers } from './nevers.ts'
import { inPool } from './pool.ts'
import type { Target } from './target.ts'

/** How many connections are open at a time. */
const poolSize = 24

/** A client that may have no more to say waits so long for an answer before it says so. */
const unfinishedMs = 300

/** Requests over HTTP, at the gateway and past it. */
export function httpKind(target: Target): Kind<HttpCase> {
  const { doors, values, secrets, topUps } = target
  const endings = new Map<string, number>()
  const attempt = async ({ to, request, isWhole }: HttpCase): Promise<string[]> => {
    const sent = filled(request, values)
    const seen = await exchange(doors[to], sent, isWhole ? {} : { finishAfterMs: unfinishedMs })
    topUps.note(sent, seen)
    count(endings, String(seen.answers[0]?.status ?? 'closed'))
    return broken(httpNevers, { ...seen, sent, secrets })
  }
  return {
    name: 'http',
    cases: httpRequests,
    ...{ batchSize: 240, endings },
    attempt: (cases) => inPool(cases, poolSize, attempt),
  }
}
