import { HttpLane } from './http-lane.ts'
import { answerRounds } from './processes.ts'
import { amount, userId } from './requests.ts'

/** So many orders on so many keep-alive connections, one at a time on each. */
export interface Posting {
  url: string
  count: number
  connections: number
  users: number
}

export interface Posted {
  ms: number
  /** How long each answer took. */
  answerMs: number[]
}

answerRounds(async ({ url, count, connections, users }: Posting): Promise<Posted> => {
  const lanes = await Promise.all(Array.from({ length: connections }, () => HttpLane.connect(url)))
  const answerMs: number[] = []
  let next = 0
  const run = async (lane: HttpLane) => {
    while (next < count) {
      const body = JSON.stringify({ user_id: userId(next++ % users), amount })
      const sentAt = performance.now()
      const { status, body: answer } = await lane.post(body)
      if (status !== 201) throw new Error(`the answer was ${status}: ${answer}`)
      answerMs.push(performance.now() - sentAt)
    }
  }
  const startedAt = performance.now()
  await Promise.all(lanes.map(run))
  const ms = performance.now() - startedAt
  for (const lane of lanes) lane.close()
  return { ms, answerMs }
})
