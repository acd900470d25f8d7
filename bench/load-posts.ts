import { HttpConnection } from './http-connection.ts'
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
  const opened = await Promise.all(
    Array.from({ length: connections }, () => HttpConnection.connect(url)),
  )
  const answerMs: number[] = []
  let next = 0
  const run = async (connection: HttpConnection) => {
    while (next < count) {
      const body = JSON.stringify({ user_id: userId(next++ % users), amount })
      const sentAt = performance.now()
      const { status, body: answer } = await connection.post(body)
      if (status !== 201) throw new Error(`the answer was ${status}: ${answer}`)
      answerMs.push(performance.now() - sentAt)
    }
  }
  const startedAt = performance.now()
  await Promise.all(opened.map(run))
  const ms = performance.now() - startedAt
  for (const connection of opened) connection.close()
  return { ms, answerMs }
})
