import assert from 'node:assert/strict'
import pg from 'pg'
import { useDatabase } from './database.ts'
import { eventually } from './eventually.ts'
import { proxyTo } from './proxy.ts'
import { useResources } from './resources.ts'

describe('the fault proxy before PostgreSQL', () => {
  const database = useDatabase('orders')
  const use = useResources()

  it('keeps notifications back, while queries are answered, on connections that are there and new ones', async () => {
    const proxy = use(await proxyTo(database.url))
    const heard: string[] = []
    const listen = async () => {
      const client = new pg.Client({ connectionString: proxy.url })
      use({ close: () => client.end() })
      client.on('notification', ({ payload }) => heard.push(payload ?? ''))
      await client.connect()
      await client.query('LISTEN news')
      return client
    }
    const tell = (client: pg.Client, news: string) =>
      client.query("SELECT pg_notify('news', $1)", [news])
    const there = await listen()
    await tell(there, 'before')
    await eventually(() => heard.length === 1)
    const restore = proxy.disturb({ dropsNotifications: true })
    const late = await listen()
    await tell(there, 'meanwhile') // comes before the answer to who listens itself
    await tell(late, 'meanwhile')
    await there.query('SELECT') // what was sent before a query comes before its answer
    await late.query('SELECT')
    assert.deepEqual(heard, ['before'])
    restore()
    await tell(there, 'after')
    await tell(late, 'after')
    await eventually(() => heard.length >= 5)
    assert.deepEqual(heard, ['before', ...Array.from({ length: 4 }, () => 'after')])
  })
})
