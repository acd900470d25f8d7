import assert from 'node:assert/strict'
import { randomUUIDv7 } from 'node:crypto'
import { sql } from 'kysely'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { queues } from '#contracts/topology.ts'
import { declareTopology } from '#messaging/broker/topology.ts'
import { withQueueBrowser } from '#operator/dead-letters/broker/queue-browser.ts'
import { useBroker } from '#testing/broker.ts'
import { findingsOf, launchBrowser } from '#testing/browser.ts'
import { useDatabase } from '#testing/database.ts'
import { audience, issuer, newKey, tokenOf } from '#testing/issuer.ts'
import { type OperatorPage, startOperatorPage } from '#testing/operator-page.ts'
import { proxyTo } from '#testing/proxy.ts'
import { useResources } from '#testing/resources.ts'

const { queue } = queues.paymentsConsumer
const dlq = `${queue}.dlq`

describe("the operator's page, in a browser", function () {
  this.timeout(120_000)
  const broker = useBroker()
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const use = useResources()
  const key = newKey('a')
  let browser: Browser
  let errors: string[] = []

  before('start the browser, and declare the queues', async () => {
    browser = await launchBrowser()
    const topology = { queues: Object.values(queues) }
    await declareTopology({ name: 'test', url: broker.url, topology })
  })
  after(async () => {
    await browser?.close()
    for (const page of started.values()) await (await page).stop()
  })
  beforeEach(() => {
    errors = []
  })
  afterEach('leaves nothing, and breaks no policy', async () => {
    for (const name of [queue, dlq]) await broker.drain(name)
    await orders.rows(sql`TRUNCATE orders, outbox`)
    assert.deepEqual(errors, [])
  })

  /** Processes of the page, which tests share, by what they were started with. */
  const started = new Map<string, Promise<OperatorPage>>()
  const startPage = (env: NodeJS.ProcessEnv, amqp = broker.url): Promise<OperatorPage> => {
    const name = JSON.stringify([env, amqp])
    const page =
      started.get(name) ??
      startOperatorPage({ amqp, orders: orders.url, payments: payments.url }, env)
    started.set(name, page)
    return page
  }
  const act = { OPERATOR_PAGE: 'act' }
  const look = { OPERATOR_PAGE: 'look' }

  async function open(env: NodeJS.ProcessEnv, options: BrowserContextOptions = {}, amqp?: string) {
    const { url } = await startPage(env, amqp)
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
    use(context)
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    page.on('pageerror', (error) => errors.push(error.message))
    page.on('console', (message) => {
      const isOfPage = message.type() === 'error' && !/^Failed to load/.test(message.text())
      if (isOfPage) errors.push(message.text())
    })
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(url).origin) errors.push(request.url())
    })
    await page.goto(url)
    return page
  }

  async function bury(...ids: string[]): Promise<void> {
    const headers = { 'dead-letter-reason': 'not-json', 'last-error': '<i>no</i>', attempts: 1 }
    const body = '<img src=x onerror=alert(1)><b>hello</b>'
    for (const messageId of ids)
      await broker.publish({ routingKey: dlq }, body, { messageId, headers })
  }
  const newIds = (count: number) => Array.from({ length: count }, () => randomUUIDv7())
  const row = (page: Page, id: string) => page.locator('#letters li', { hasText: id })
  const says = (page: Page, id: string, text: string | RegExp) =>
    page.locator(`#${id}`, { hasText: text }).waitFor()
  const depths = async () => [await broker.depth(dlq), await broker.depth(queue)]

  it('shows the status, and the oldest stuck orders with their stage and what to do', async () => {
    const [old = '', older = ''] = newIds(2)
    await orders.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, created_at)
      VALUES (${old}, 'alice', 2, now() - interval '2 minutes'),
             (${older}, 'bob', 2, now() - interval '3 minutes')`)
    const page = await open(look)
    await page.locator('#tiles div', { hasText: 'Orders pending2oldest 3 min' }).waitFor()
    await page.locator('#tiles div', { hasText: `Queue ${queue}00 consuming` }).waitFor()
    const first = page.locator('#stuck li').first()
    await first.getByText('request-unanswered').waitFor()
    const said = (await first.textContent()) ?? ''
    assert.match(said, new RegExp(`^${older}.*Of bob.*--repair`))
    await first.locator('button').click()
    await page.locator('#trace-steps li', { hasText: 'charged' }).getByText('not yet').waitFor()
    await page.click('#trace-close')
    assert.equal(await page.locator('#mode').textContent(), 'Looks only')
  })

  it('shows the body of a dead letter as text', async () => {
    const [id = ''] = newIds(1)
    await bury(id)
    const page = await open(look)
    await row(page, id).getByText('Show').click()
    await row(page, id).locator('pre').waitFor()
    assert.equal(
      await row(page, id).locator('pre').textContent(),
      '<img src=x onerror=alert(1)><b>hello</b>',
    )
    const said = (await row(page, id).textContent()) ?? ''
    assert.match(said, /<i>no<\/i>.*dead-letter-reason.*not-json/s)
    assert.equal(await page.locator('#letters :is(img, b, i)').count(), 0)
  })

  it('says what a redrive would do, and does it only when that is confirmed', async () => {
    const [id = '', other = ''] = newIds(2)
    await bury(id, other)
    const page = await open(act)
    await row(page, id).locator('input').check()
    await page.click('#redrive')
    await says(page, 'confirm-note', '1 dead letter would be published to the queue')
    assert.match((await page.locator('#confirm-list').textContent()) ?? '', new RegExp(id))
    await page.keyboard.press('Escape')
    assert.deepEqual(await depths(), [2, 0])
    await page.click('#redrive')
    await page.click('#confirm-do')
    await says(page, 'confirm-note', '1 dead letter redriven.')
    await page.click('#confirm-close')
    await row(page, id).waitFor({ state: 'detached' })
    assert.deepEqual(await depths(), [1, 1])
  })

  it('discards all of a queue, as many as it has shown', async () => {
    await bury(...newIds(3))
    const page = await open(act)
    await page.locator('#letters li').nth(2).waitFor()
    await page.selectOption('#letters-scope', dlq)
    await page.click('#discard')
    await says(page, 'confirm-note', '3 dead letters would be deleted for good: no copy is kept.')
    const [late = ''] = newIds(1)
    await bury(late)
    await page.click('#confirm-do')
    await says(page, 'confirm-note', '3 dead letters discarded.')
    await page.click('#confirm-close')
    await row(page, late).waitFor()
    assert.deepEqual(await depths(), [1, 0])
  })

  it('leaves an event that is older than the inbox remembers, unless that is meant', async () => {
    const [id = ''] = ['01800000-0000-7000-8000-000000000001']
    await bury(id)
    const page = await open(act)
    await row(page, id).locator('input').check()
    await page.click('#redrive')
    await says(page, 'confirm-note', '1 event older than the inbox remembers, left in place.')
    assert.equal(await page.locator('#confirm-do').isHidden(), true)
    await page.check('#confirm-more-box')
    await page.click('#confirm-do')
    await says(page, 'confirm-note', '1 dead letter redriven.')
    assert.deepEqual(await depths(), [0, 1])
  })

  it('shows two operators what the other one has done, and says so', async () => {
    const [id = ''] = newIds(1)
    await bury(id)
    const page = await open(act)
    await row(page, id).locator('input').check()
    await page.click('#discard')
    await page.locator('#confirm-do').waitFor()
    await broker.drain(dlq) // by another operator
    await page.click('#confirm-do')
    await says(page, 'confirm-note', /0 dead letters discarded\. 1 gone meanwhile/)
    await page.click('#confirm-close')
    await says(page, 'letters-note', 'There is no dead letter.')
    await bury(id)
    await withQueueBrowser(broker.url, async (other) => {
      await other.lock()
      await page.click('#letters-read')
      await says(page, 'letters-note', 'Another operator is working on the dead letters')
    })
    await page.click('#letters-read')
    await row(page, id).waitFor()
  })

  it('only looks if it was not started to act', async () => {
    await orders.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, created_at)
      VALUES (${randomUUIDv7()}, 'alice', 2, now() - interval '2 minutes')`)
    const [id = ''] = newIds(1)
    await bury(id)
    const page = await open(look)
    await row(page, id).locator('input').check()
    await page.click('#discard')
    await says(page, 'confirm-note', 'This page looks only')
    assert.equal(await page.locator('#confirm-do').isHidden(), true)
    await page.click('#confirm-close')
    await page.click('#reconcile-form [type=submit]')
    await says(page, 'reconcile-note', '2 findings.')
    assert.equal(await page.locator('#repair').isHidden(), true)
  })

  it('compares the databases, and repairs what is safe to repeat', async () => {
    await orders.rows(sql`
      INSERT INTO orders (order_id, user_id, amount, created_at)
      VALUES (${randomUUIDv7()}, 'alice', 2, now() - interval '2 minutes')`)
    const page = await open(act)
    await page.fill('#older-than', 'soon')
    await page.press('#older-than', 'Enter')
    await says(page, 'reconcile-note', '--older-than takes a time such as 60s')
    await page.fill('#older-than', '90s')
    await page.press('#older-than', 'Enter')
    await says(page, 'reconcile-note', '1 finding.')
    await page.locator('#findings .badge', { hasText: 'pending-too-long' }).waitFor()
    await page.click('#repair')
    await page.click('#confirm-do')
    await says(page, 'confirm-note', 'of 1 order was requested again')
    const [found] = await orders.rows(sql<{ n: number }>`SELECT count(*)::int AS n FROM outbox`)
    assert.equal(found?.n, 1)
  })

  it('says that the broker is away, and comes back with it', async () => {
    const proxy = await proxyTo(broker.url)
    const page = await open(look, {}, proxy.url)
    await says(page, 'letters-note', 'There is no dead letter.')
    proxy.close()
    await page.click('#letters-read')
    await says(page, 'letters-note', /^The broker cannot be reached/)
    await says(page, 'status-note', /What only the broker knows is unknown/)
    await page.locator('#tiles div', { hasText: `Queue ${queue}?unknown` }).waitFor()
    use(await proxyTo(broker.url, Number(new URL(proxy.url).port)))
    await page.click('#letters-read')
    await says(page, 'letters-note', 'There is no dead letter.')
    await page.locator('#status-note:empty').waitFor({ state: 'attached' })
  })

  it('says that a database is away, and comes back with it', async () => {
    const page = await open(look)
    await page.locator('#tiles div').first().waitFor()
    await payments.refuseConnections()
    try {
      await page.click('#stuck-read')
      await says(page, 'stuck-note', /^The database of Payments cannot be reached/)
      await says(page, 'trouble-text', /^The database of Payments .* What you see may be old/)
      assert.deepEqual(await findingsOf(page), [])
    } finally {
      await payments.acceptConnections()
    }
    await page.click('#trouble-retry')
    await page.locator('#trouble').waitFor({ state: 'hidden' })
  })

  it('lets in who has a token with the scope operator, and forgets the token', async () => {
    const jwk = JSON.stringify(key.publicKey.export({ format: 'jwk' }))
    const auth = { AUTH_MODE: 'jwt', JWT_ISSUER: issuer, JWT_AUDIENCE: audience }
    const page = await open({ ...auth, JWT_PUBLIC_KEY: jwk })
    const enter = async (token: string) => {
      await page.fill('#token', token)
      await page.press('#token', 'Enter')
    }
    await page.locator('#token:focus').waitFor()
    assert.equal(await page.locator('#desk').isHidden(), true)
    assert.deepEqual(await findingsOf(page), [])
    await enter(await tokenOf(key, 'olga'))
    await says(page, 'sign-in-note', 'does not have the scope "operator"')
    await enter(await tokenOf(key, 'olga', { scope: 'operator' }))
    await says(page, 'user', 'olga')
    await page.locator('#tiles div').first().waitFor()
    assert.deepEqual(
      await page.evaluate(() => [...Object.keys(sessionStorage), ...Object.keys(localStorage)]),
      [],
    )
    await page.click('#sign-out')
    await page.locator('#desk').waitFor({ state: 'hidden' })
    await page.reload()
    await page.locator('#token').waitFor()
  })

  it('is without barriers, at 360 and at 1280 pixels, light and dark', async () => {
    const [id = ''] = newIds(1)
    await bury(id)
    const page = await open(act, { viewport: { width: 1280, height: 860 } })
    await row(page, id).getByText('Show').click()
    await row(page, id).locator('pre').waitFor()
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [360, 'dark'],
    ] as const) {
      await page.setViewportSize({ width, height: 740 })
      await page.emulateMedia({ colorScheme })
      assert.deepEqual(await findingsOf(page), [])
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width)
      await row(page, id).locator('input').check()
      await page.click('#redrive')
      await page.locator('#confirm-do').waitFor()
      assert.deepEqual(await findingsOf(page), [])
      await page.keyboard.press('Escape')
    }
  })

  it('stops as every process does, and starts with no wrong setting', async () => {
    const { url, stop } = await startPage({})
    const { code, log } = await stop()
    assert.equal(code, 0, log)
    assert.match(log, new RegExp(`the page: ${url} \\(it looks only`))
    for (const [env, fault] of [
      [{ OPERATOR_PAGE: 'everything' }, 'OPERATOR_PAGE must be one of off, look, act'],
      [{ HOST: '0.0.0.0' }, 'INSECURE_ACCEPTED=open-operator-page'],
    ] as const) {
      const refused = await startPage(env)
      assert.equal((await refused.stop()).code, 78, fault)
    }
  })
})
