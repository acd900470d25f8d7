import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { useBroker } from '#testing/broker.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually, eventuallyPasses } from '#testing/eventually.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'

const readme = readFileSync('messaging/README.md', 'utf8')
/** What the README shows in a language. */
const block = (language: string) =>
  new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(readme)?.[1] ?? ''

describe('the README of messaging', () => {
  const shop = useDatabase('messaging')
  const warehouse = useDatabase('messaging')
  const broker = useBroker()
  const use = useResources()
  let folder = ''

  before('install it in an empty folder, as the README says', async () => {
    await shop.rows(sql`CREATE TABLE sales (article text)`)
    await warehouse.rows(sql`CREATE TABLE parcels (article text)`)
    folder = mkdtempSync(join(tmpdir(), 'messaging-example-'))
    const env = { PATH: process.env.PATH, PROJECT: folder }
    const { status, stderr } = spawnSync('bash', ['--norc', '-ec', block('sh')], {
      env,
      encoding: 'utf8',
    })
    assert.equal(status, 0, stderr)
    writeFileSync(join(folder, 'package.json'), block('json'))
    symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'))
  })
  after('remove the folder', () => rmSync(folder, { recursive: true }))

  it('shows the program as it is, in under 60 lines', () => {
    const program = readFileSync('messaging/example/main.ts', 'utf8')
    assert.equal(block('ts'), program)
    assert.ok(program.split('\n').length < 60)
  })

  it('names the versions that this repository has', () => {
    const ours = JSON.parse(readFileSync('package.json', 'utf8')).dependencies
    for (const [name, version] of Object.entries(JSON.parse(block('json')).dependencies)) {
      assert.equal(version, ours[name], name)
    }
  })

  function start(role: 'shop' | 'warehouse', brokerUrl = broker.url) {
    const { url } = { shop, warehouse }[role]
    const child = spawn(process.execPath, ['messaging/example/main.ts', role], {
      cwd: folder,
      env: { PATH: process.env.PATH, DATABASE_URL: url, AMQP_URL: brokerUrl },
    })
    let said = ''
    for (const output of [child.stdout, child.stderr]) output.on('data', (text) => (said += text))
    use({ close: () => stop(child, 'SIGKILL') })
    const says = (text: string) =>
      eventually(() => said.includes(text) || (child.exitCode !== null && assert.fail(said)))
    return { child, says }
  }
  async function stop(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals) {
    const hasEnded = child.exitCode !== null || child.signalCode !== null
    if (!hasEnded) await Promise.all([once(child, 'exit'), child.kill(signal)])
    return child.exitCode
  }
  const parcels = async () => {
    const rows = await warehouse.rows(
      sql<{ article: string }>`SELECT article FROM parcels ORDER BY 1`,
    )
    return rows.map(({ article }) => article)
  }
  const hasParcels = (...articles: string[]) =>
    eventuallyPasses(async () => assert.deepEqual(await parcels(), articles))

  it('tells the truth: one parcel a sale, though its consumer is killed and messages come twice', async () => {
    const selling = start('shop')
    const proxy = use(await proxyTo(broker.url))
    const killed = start('warehouse', proxy.url)
    await killed.says('"msg":"consuming"')
    proxy.freeze(['up']) // what is delivered cannot be acknowledged any more
    selling.child.stdin.write('book\n')
    await hasParcels('book')
    await stop(killed.child, 'SIGKILL')
    proxy.cut()
    await eventually(async () => (await broker.depth('warehouse')) === 1)

    const working = start('warehouse')
    const [sold] = await shop.rows(sql<{ payload_json: object }>`SELECT payload_json FROM outbox`)
    await broker.publish({ exchange: 'shop', routingKey: 'sold' }, sold?.payload_json ?? {})
    await broker.publish({ exchange: 'shop', routingKey: 'sold' }, 'nonsense')
    selling.child.stdin.write('lamp\n')
    await hasParcels('book', 'lamp')
    await eventually(async () => (await broker.depth('warehouse.dlq')) === 1)
    assert.deepEqual(
      [await stop(working.child, 'SIGTERM'), await stop(selling.child, 'SIGTERM')],
      [0, 0],
    )
    assert.deepEqual(await parcels(), ['book', 'lamp'])
    assert.equal(await broker.depth('warehouse'), 0)
    const owed = await shop.rows(sql`SELECT FROM outbox WHERE published_at IS NULL`)
    assert.equal(owed.length, 0)
  })
})
