import assert from 'node:assert/strict'
import { useDatabase } from '#testing/database.ts'
import { recordingLogger } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { connectDatabase } from './connect.ts'
import { warnWithoutRoom } from './room.ts'

describe('warnWithoutRoom', () => {
  const database = useDatabase('orders')
  const use = useResources()
  const open = (poolSize: number, url = database.url) =>
    use(connectDatabase<unknown>({ name: 'tested', url, poolSize }))

  it('says with figures that a pool is larger than the room of the server', async () => {
    const { logger, said, lines } = recordingLogger()
    await warnWithoutRoom(open(10_000), logger)
    const [line] = lines as unknown as {
      max: number
      reserved: number
      open: number
      free: number
    }[]
    assert.ok(line && line.max > 0 && line.reserved > 0 && line.open >= 0)
    assert.equal(line.free, line.max - line.reserved - line.open)
    assert.match(
      said[0] ?? '',
      /^PostgreSQL has \d+ connections left \(max_connections = \d+, \d+ reserved, \d+ open\), and this process may open 10002: raise max_connections, or run fewer replicas$/,
    )
  })

  it('says nothing when there is room, or when the server cannot be asked', async () => {
    const { logger, said } = recordingLogger()
    await warnWithoutRoom(open(1), logger)
    await warnWithoutRoom(open(10_000, 'postgres://127.0.0.1:9/none'), logger)
    assert.deepEqual(said, [])
  })
})
