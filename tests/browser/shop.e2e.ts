import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { problemExample } from '#generator/problems.ts'
import { findingsOf, launchBrowser, type PageProblems, plainName, visit } from '#testing/browser.ts'
import { call, insist } from '#testing/client.ts'
import { eventually } from '#testing/eventually.ts'
import { proxyTo } from '#testing/proxy.ts'
import { withDatabases } from '#testing/reconcile.ts'
import { useStack } from '#testing/shared-stack.ts'

describe('the page, in a browser', function () {
  this.timeout(120_000)
  const stack = useStack()
  const visits: { page: Page; problems: PageProblems }[] = []
  let browser: Browser

  before('start the browser', async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())
  afterEach('has no errors in its console and asks nobody else', async () => {
    for (const { page, problems } of visits.splice(0)) {
      await page.context().close()
      assert.deepEqual(problems, { errors: [], foreign: [] })
    }
  })

  /** A page in a browser of its own. */
  async function open(options: BrowserContextOptions = {}, gateway = stack.gateway) {
    const context = await browser.newContext({
      locale: 'en-US',
      reducedMotion: 'reduce',
      ...options,
    })
    context.setDefaultTimeout(30_000)
    return openIn(context, gateway)
  }
  async function openIn(context: BrowserContext, gateway = stack.gateway) {
    const opened = await visit(context, gateway)
    visits.push(opened)
    return opened.page
  }
  const newUser = async (balance: string) => {
    const user_id = `page-${randomUUID().slice(0, 8)}`
    await insist(stack.gateway, '/accounts', { user_id })
    await insist(stack.gateway, `/accounts/${user_id}/topup`, { amount: balance })
    return user_id
  }
  async function enter(page: Page, user: string) {
    await page.fill('#user-id', user)
    await page.press('#user-id', 'Enter')
    await page.locator('#connection[data-state=live]').waitFor()
  }
  async function order(page: Page, amount: string) {
    await page.fill('#order-amount', amount)
    await page.click('#order-form [type=submit]')
  }
  /** The order of this amount, in the list, as paid. */
  const paid = (page: Page, amount: string) =>
    page.locator('#orders li', { hasText: amount }).locator('.badge', { hasText: 'Paid' })
  const textOf = async (page: Page, selector: string) =>
    (await page.locator(selector).textContent()) ?? ''
  /** While nobody charges, orders stay pending. */
  async function whileNobodyCharges(act: () => Promise<void>) {
    const pids = ['payments-consumer', 'payments-consumer.2'].map(stack.pidOf)
    for (const pid of pids) process.kill(pid, 'SIGSTOP')
    await act().finally(() => {
      for (const pid of pids) process.kill(pid, 'SIGCONT')
    })
  }
  const ordersOf = async (user: string) =>
    (await call(stack.gateway, 'GET', `/orders?user_id=${user}&limit=100`)).body.items ?? []

  it('takes a visitor with a keyboard from nothing to a paid order, and knows him again', async () => {
    const page = await open()
    const name = `page-${randomUUID().slice(0, 8)}`
    const press = async (...keys: string[]) => {
      for (const key of keys) await page.keyboard.press(key)
    }
    await press('Tab')
    await page.keyboard.type(name)
    await press('Enter')
    await page.locator('#shop').waitFor()
    await page.locator('#topup-amount:focus').waitFor()
    await page.keyboard.type('20')
    await press('Enter')
    await page.locator('#balance', { hasText: '20.00' }).waitFor()
    await press('Tab', 'Tab', 'Tab', 'Tab', 'Tab')
    await page.keyboard.type('12,50')
    await press('Enter')
    await paid(page, '12.50').waitFor()
    await page.locator('#balance', { hasText: '7.50' }).waitFor()
    await page.locator('#pipeline .station[data-state=done]').nth(5).waitFor()
    assert.match(await textOf(page, '#life-steps li:nth-child(4)'), /^Charged, after \d+/)
    await page.locator('#orders button').first().focus()
    await press('Enter')
    await page.locator('#orders button[aria-pressed=true]').waitFor()

    await page.reload()
    await paid(page, '12.50').waitFor()
    assert.equal(await textOf(page, '#account-name'), name)
    assert.deepEqual(
      (await page.locator('#ledger .amount').allInnerTexts()).map((text) => text.trim()),
      ['−12.50', '+20.00'],
    )
  })

  it('says why a payment was refused', async () => {
    const page = await open()
    await enter(page, await newUser('5.00'))
    await order(page, '5.01')
    await page.locator('#order-note', { hasText: 'the balance was too small' }).waitFor()
    await page.locator('#orders li', { hasText: 'the balance was too small' }).waitFor()
    await page.locator('#pipeline .station[data-state=bad] .name', { hasText: 'Refused' }).waitFor()
    assert.equal(await textOf(page, '#balance'), '5.00')
  })

  it('refunds the chosen order, and shows that in the list, the drawing, the ledger and the balance', async () => {
    const page = await open()
    await enter(page, await newUser('20.00'))
    await order(page, '12.50')
    await page.click('#refund-form [type=submit]')
    const badge = page.locator('#orders li .badge', { hasText: 'Refunded' })
    await badge.waitFor()
    await page.locator('#balance', { hasText: '20.00' }).waitFor()
    await page.locator('#pipeline .station[data-state=done]').nth(7).waitFor()
    assert.match(await textOf(page, '#life-steps li:nth-child(8)'), /^Refunded, after/)
    await page.locator('#ledger .badge', { hasText: 'Refund' }).waitFor()
    assert.equal(await page.locator('#refund-form').isHidden(), true)
    assert.match(await textOf(page, '#order-note'), /refunded/)
    await page.reload()
    await badge.waitFor()
  })

  it('places one order for a double click', async () => {
    const user = await newUser('10.00')
    const page = await open()
    await enter(page, user)
    await page.fill('#order-amount', '1.00')
    await page.dblclick('#order-form [type=submit]')
    await paid(page, '1.00').waitFor()
    assert.equal((await ordersOf(user)).length, 1)
  })

  it('shows in one tab what was ordered in another', async () => {
    const user = await newUser('10.00')
    const [left, right] = [await open(), await open()]
    await enter(left, user)
    await enter(right, user)
    await order(left, '3.00')
    await paid(right, '3.00').waitFor()
    await right.locator('#balance', { hasText: '7.00' }).waitFor()
  })

  it('shows in one tab what was ordered in another before it ends, and the whole of it', async () => {
    const user = await newUser('10.00')
    const left = await open()
    const right = await openIn(left.context())
    await enter(left, user)
    await enter(right, user)
    await whileNobodyCharges(async () => {
      await order(left, '3.00')
      const row = right.locator('#orders li', { hasText: '3.00' })
      await row.locator('.badge', { hasText: 'Payment pending' }).waitFor()
      await row.locator('button').click()
      await right.locator('#pipeline .station[data-state=done]').nth(1).waitFor()
    })
    await paid(right, '3.00').waitFor()
    await right.locator('#pipeline .station[data-state=done]').nth(5).waitFor()
  })

  it('keeps nothing of an account for the next one', async () => {
    const page = await open()
    await enter(page, await newUser('1.00'))
    const invitation = await textOf(page, '#life-about')
    await order(page, '5.00')
    await page.locator('#order-note[data-tone=bad]').waitFor()
    await page.fill('#burst-count', '3')
    await page.click('#burst-form [type=submit]')
    await page.locator('#burst-check[data-tone=good]', { hasText: '3 × 0.01' }).waitFor()
    await page.click('#switch')
    await enter(page, await newUser('2.00'))
    await page.locator('#balance', { hasText: '2.00' }).waitFor()
    assert.equal(await textOf(page, '#life-about'), invitation)
    assert.equal(await textOf(page, '#order-note'), '')
    assert.equal(await page.locator('#burst-result').isVisible(), false)
    assert.equal(await page.locator('#orders li').count(), 0)
    assert.equal(await page.locator('#pipeline .station[data-state=todo]').count(), 6)
  })

  it('says that it is cut off, keeps what was typed, and catches up', async () => {
    const user = await newUser('10.00')
    const proxy = await proxyTo(stack.gateway)
    const port = Number(new URL(proxy.url).port)
    const page = await open({}, proxy.url)
    await enter(page, user)
    await whileNobodyCharges(async () => {
      await order(page, '2.00')
      await page.locator('#orders .badge[data-tone=pending]').waitFor()
      proxy.close()
      await page.locator('#trouble', { hasText: 'Live updates are lost' }).waitFor()
      await order(page, '4.00')
      await page.locator('#order-note', { hasText: 'No connection' }).waitFor()
      assert.equal(await page.inputValue('#order-amount'), '4.00')
      assert.deepEqual(await findingsOf(page), [])
    })
    await eventually(async () => (await ordersOf(user)).every(({ status }) => status === 'PAID'))
    const restored = await proxyTo(stack.gateway, port)
    await page.click('#trouble-retry', { timeout: 2_000 }).catch(() => {}) // it may be back by itself
    await paid(page, '2.00').waitFor() // which must not take the failed one's place in the note
    await page.click('#order-note button')
    await paid(page, '4.00').waitFor()
    await page.locator('#trouble').waitFor({ state: 'hidden' })
    assert.equal((await ordersOf(user)).length, 2)
    restored.close()
  })

  it('is not live while the orders cannot be read, and tells what ends afterwards', async () => {
    const user = await newUser('10.00')
    const proxy = await proxyTo(stack.gateway)
    const page = await open({}, proxy.url)
    await enter(page, user)
    await withDatabases(stack, async ({ payments }) => {
      const shut = (isShut: boolean) =>
        sql`ALTER DATABASE orders_db WITH ALLOW_CONNECTIONS ${sql.raw(String(!isShut))}`.execute(
          payments,
        )
      await shut(true)
      try {
        await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                  WHERE datname = 'orders_db'`.execute(payments)
        await keepStates(page)
        const reconnected = page.waitForEvent('websocket')
        proxy.cut()
        await reconnected
        await page.locator('#trouble', { hasText: /does not answer|cannot be read/ }).waitFor()
        await page.locator('#connection', { hasText: 'Not live' }).waitFor()
        assert.ok(!(await statesOf(page)).includes('live'))
        assert.deepEqual(await findingsOf(page), [])
      } finally {
        await shut(false)
      }
    })
    await page.locator('#connection[data-state=live]').waitFor()
    await insist(stack.gateway, '/orders', { user_id: user, amount: '3.00' })
    await paid(page, '3.00').waitFor()
    await page.locator('#trouble').waitFor({ state: 'hidden' })
    proxy.close()
  })

  it('says why its subscription is refused, and asks again only when it is told to', async () => {
    const page = await open()
    const user = await newUser('1.00')
    let connections = 0
    await page.routeWebSocket('**/orders/ws**', (socket) => {
      if (++connections > 1) return void socket.connectToServer()
      const detail = 'There is nothing of this user.'
      socket.send(JSON.stringify({ type: 'error', user_id: user, problem: refusal(detail) }))
    })
    const refusal = (detail: string) => problemExample(404, { when: 'refused', detail })
    await page.fill('#user-id', user)
    await page.press('#user-id', 'Enter')
    await page.locator('#trouble', { hasText: 'There is nothing of this user.' }).waitFor()
    assert.equal(await textOf(page, '#connection'), 'Not live')
    await page.locator('#topup-amount').fill('1')
    await page.press('#topup-amount', 'Enter')
    await page.locator('#balance', { hasText: '2.00' }).waitFor() // it was read, and is not live by that
    assert.equal(await textOf(page, '#connection'), 'Not live')
    assert.equal(connections, 1)
    await page.click('#trouble-retry')
    await page.locator('#connection[data-state=live]').waitFor()
    await page.locator('#trouble').waitFor({ state: 'hidden' })
  })

  it('says that a service does not answer, and sends the same submission again', async () => {
    const user = await newUser('10.00')
    const page = await open()
    await enter(page, user)
    const keys: (string | undefined)[] = []
    await page.route('**/orders', async (route) => {
      keys.push(route.request().headers()['idempotency-key'])
      if (keys.length > 1) return route.continue()
      await route.fetch() // it has its effect, and the answer is lost
      return route.fulfill({
        status: 503,
        contentType: 'application/problem+json',
        json: problemExample(503, { when: 'away', detail: 'It cannot be reached.' }),
      })
    })
    await order(page, '6.00')
    await page.locator('#order-note', { hasText: 'The service does not answer' }).waitFor()
    assert.equal(await page.inputValue('#order-amount'), '6.00')
    await page.click('#order-note button')
    await page.locator('#order-note', { hasText: '6.00 paid' }).waitFor()
    assert.equal(keys.length, 2)
    assert.equal(new Set(keys).size, 1)
    assert.equal((await ordersOf(user)).length, 1)
  })

  it('goes on when each replica of orders-api is killed in turn', async () => {
    const page = await open()
    await enter(page, await newUser('10.00'))
    for (const [name, amount] of [
      ['orders-api', '1.00'],
      ['orders-api.2', '2.00'],
    ] as const) {
      const pid = stack.pidOf(name)
      process.kill(pid, 'SIGKILL')
      await order(page, amount)
      const retry = page.locator('#order-note button')
      await eventually(async () => {
        if (await retry.isVisible()) await retry.click()
        return paid(page, amount).isVisible()
      })
      await eventually(() => stack.pidOf(name) !== pid)
      await page.locator('#connection[data-state=live]').waitFor()
    }
  })

  it('places 200 orders at once, and finds that the money taken is what they cost', async () => {
    const user = await newUser('1.50')
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme: 'dark' })
    await enter(page, user)
    await page.click('#burst-form [type=submit]')
    await page.locator('#burst-check[data-tone=good]', { hasText: '150 × 0.01 = 1.50' }).waitFor()
    await page.locator('#burst-label', { hasText: '200 of 200 final' }).waitFor()
    assert.equal(await textOf(page, '#burst-refused'), '50')
    await page.locator('#balance', { hasText: '0.00' }).waitFor()
    const columns = await page.locator('#histogram rect').count()
    assert.ok(columns > 0)
    assert.equal((await call(stack.gateway, 'GET', `/accounts/${user}`)).body.version, 151)
    assert.deepEqual(await findingsOf(page), [])
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
  })

  it('goes on with a burst whose first requests still run when their answers are lost', async () => {
    const user = await newUser('1.00')
    const proxy = await proxyTo(stack.gateway)
    const page = await open({}, proxy.url)
    await enter(page, user)
    await page.fill('#burst-count', '20')
    const aRetryAtATime = { everyMs: 500 } // so long that one is answered before the next cut
    let stillRunning = 0
    page.on('response', (response) => {
      if (response.status() === 409) stillRunning++
    })
    await withDatabases(stack, ({ orders }) =>
      orders.transaction().execute(async (slow) => {
        await sql`LOCK TABLE orders IN SHARE MODE`.execute(slow) // who inserts waits
        await page.click('#burst-form [type=submit]')
        await eventually(async () => {
          proxy.cut()
          await sql`SELECT 1`.execute(slow) // a transaction that idles is ended
          return stillRunning > 0
        }, aRetryAtATime)
      }),
    )
    await page.locator('#burst-label', { hasText: '20 of 20 final' }).waitFor()
    await page.locator('#burst-check[data-tone=good]', { hasText: '20 × 0.01 = 0.20' }).waitFor()
    assert.equal(await textOf(page, '#burst-note'), '')
    assert.equal((await ordersOf(user)).length, 20)
    proxy.close()
  })

  it('tries an order of a burst for two minutes, then says that it places no more', async () => {
    const page = await open()
    await enter(page, await newUser('1.00'))
    await page.clock.install()
    let calls = 0
    await page.route('**/orders', (route) => {
      calls++
      return route.abort()
    })
    await page.fill('#burst-count', '3')
    await page.click('#burst-form [type=submit]')
    await eventually(() => calls >= 6)
    await page.clock.fastForward('01:50')
    const callsBefore = calls
    await eventually(() => calls > callsBefore)
    assert.equal(await textOf(page, '#burst-note'), '')
    await page.clock.fastForward('00:15')
    await page.locator('#burst-note', { hasText: 'No answer for two minutes' }).waitFor()
    await page.locator('#burst-label', { hasText: '0 of 0 final, 0 placed' }).waitFor()
    await page.locator('#burst-form[aria-busy=false]').waitFor()
  })

  it('works under plain http with another name than localhost, where a browser has less', async () => {
    const gateway = stack.gateway.replace(/\/\/[^:]+/, `//${plainName}`)
    const page = await open({}, gateway)
    assert.equal(await page.evaluate(() => crypto.randomUUID), undefined)
    await enter(page, await newUser('1.00'))
    await order(page, '1.00')
    await paid(page, '1.00').waitFor()
  })

  it('is without barriers, empty and full, at 360 and at 1440 pixels', async () => {
    const page = await open({ viewport: { width: 1440, height: 900 } })
    assert.deepEqual(await findingsOf(page), [])
    await enter(page, await newUser('5.00'))
    assert.deepEqual(await findingsOf(page), [])
    await order(page, '5.01')
    await page.locator('#order-note[data-tone=bad]').waitFor()
    await page.emulateMedia({ colorScheme: 'dark' })
    assert.deepEqual(await findingsOf(page), [])
    await page.setViewportSize({ width: 360, height: 740 })
    assert.deepEqual(await findingsOf(page), [])
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360)
  })
})

/** From now on the page keeps what the pill of its connection shows. */
const keepStates = (page: Page) =>
  page.evaluate(() => {
    const pill = document.getElementById('connection') as HTMLElement
    const states: (string | undefined)[] = []
    Object.assign(globalThis, { states })
    new MutationObserver(() => states.push(pill.dataset.state)).observe(pill, { attributes: true })
  })
const statesOf = (page: Page) => page.evaluate<string[]>('states')
