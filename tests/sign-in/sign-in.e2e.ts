import assert from 'node:assert/strict'
import type { Browser, BrowserContext, Page, WebSocket } from 'playwright-core'
import { findingsOf, launchBrowser, type PageProblems, visit } from '#testing/browser.ts'
import { eventually } from '#testing/eventually.ts'
import { type Stack, startStack } from '#testing/stack.ts'

/** Longer than a connection has to last to be a good one, and no longer than it takes. */
const accessTokenSeconds = 8

describe('the page signs in', function () {
  this.timeout(120_000)
  const visits: { page: Page; problems: PageProblems }[] = []
  let stack: Stack
  let browser: Browser
  let provider = ''

  before('start a stack with a provider', async () => {
    const env = { DEMO_ACCESS_TOKEN_SECONDS: String(accessTokenSeconds) }
    stack = await startStack({ args: ['--auth'], env })
    const document = await fetch(`${stack.gateway}/auth.json`)
    provider = ((await document.json()) as { issuer: string }).issuer
    browser = await launchBrowser()
  })
  after(async () => {
    await browser?.close()
    await stack?.stop()
  })
  afterEach(
    'has no errors in its console, and asks nobody but the gateway and the provider',
    async () => {
      for (const { page, problems } of visits.splice(0)) {
        await page.context().close()
        const foreign = problems.foreign.filter((url) => new URL(url).origin !== provider)
        assert.deepEqual({ ...problems, foreign }, { errors: [], foreign: [] })
      }
    },
  )

  const newContext = async () => {
    const context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce' })
    context.setDefaultTimeout(30_000)
    return context
  }
  async function openIn(context: BrowserContext) {
    const opened = await visit(context, stack.gateway)
    visits.push(opened)
    return opened.page
  }
  const open = async () => openIn(await newContext())
  const live = (page: Page) => page.locator('#connection[data-state=live]').waitFor()
  const note = (page: Page, text: string) =>
    page.locator('#sign-in-note', { hasText: text }).waitFor()
  const signIn = (page: Page) => page.click('#sign-in-form [type=submit]')
  const choose = (page: Page, answer: string) => page.click(`button[formaction$="/${answer}"]`)
  async function enterAs(page: Page, user: string) {
    await signIn(page)
    await choose(page, user)
    await live(page)
    assert.equal(await page.textContent('#account-name'), user)
  }
  const fill = async (page: Page, name: string, text: string) => {
    await page.fill(`#${name}`, text)
    await page.press(`#${name}`, 'Enter')
  }
  async function topUp(page: Page, amount: string) {
    await fill(page, 'topup-amount', amount)
    await page.locator('#topup-note', { hasText: `Added ${amount}` }).waitFor()
  }
  const order = (page: Page, amount: string) => fill(page, 'order-amount', amount)
  const badge = (page: Page, amount: string, text: string) =>
    page
      .locator('#orders li', { hasText: amount })
      .locator('.badge', { hasText: text })
      .first()
      .waitFor()
  /** While the provider answers nothing. */
  async function whileProviderIsAway(act: () => Promise<void>) {
    const pid = stack.pidOf('demo-provider')
    process.kill(pid, 'SIGSTOP')
    await act().finally(() => process.kill(pid, 'SIGCONT'))
  }

  it('takes a visitor through the provider to a paid order, and knows him again', async () => {
    const page = await open()
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 })
      assert.deepEqual(await findingsOf(page), [])
    }
    await enterAs(page, 'alice')
    await topUp(page, '100.00')
    await order(page, '12.50')
    await badge(page, '12.50', 'Paid')
    assert.equal(page.url(), `${stack.gateway}/`)
    assert.deepEqual(await findingsOf(page), [])

    await page.reload() // tokens are in memory only: the provider is asked, and asks nobody
    await badge(page, '12.50', 'Paid')
    assert.equal(await page.evaluate('sessionStorage.length'), 0)
    assert.deepEqual(await page.evaluate('Object.values(localStorage)'), ['alice'])
  })

  it('shows nobody what another user has ordered', async () => {
    const alice = await open()
    await enterAs(alice, 'alice')
    await topUp(alice, '20.00')
    await order(alice, '3.21')
    await badge(alice, '3.21', 'Paid')
    const bob = await open()
    const calling = bob.waitForRequest((request) => request.url().includes('/orders?'))
    await enterAs(bob, 'bob')
    assert.equal(await bob.locator('#orders li', { hasText: '3.21' }).count(), 0)
    const { authorization = '' } = (await calling).headers()
    const answer = await fetch(`${stack.gateway}/orders?user_id=alice`, {
      headers: { authorization },
    })
    assert.equal(answer.status, 404)
  })

  it('goes on when the token expires, and tells how an order ends that was placed before', async () => {
    const page = await open()
    const sockets: WebSocket[] = []
    page.on('websocket', (socket) => sockets.push(socket))
    await enterAs(page, 'alice')
    await topUp(page, '20.00')
    await page.evaluate(
      `window.states = []; new MutationObserver(() => states.push(document.querySelector('#connection').dataset.state))
        .observe(document.querySelector('#connection'), { attributes: true })`,
    )
    const pid = stack.pidOf('payments-consumer')
    process.kill(pid, 'SIGSTOP')
    try {
      await order(page, '1.25')
      await badge(page, '1.25', 'Payment pending')
      const opened = sockets.length
      await eventually(() => sockets.length > opened, { timeoutMs: 60_000 })
      await live(page)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await badge(page, '1.25', 'Paid')
    assert.ok(sockets[0]?.isClosed())
    assert.deepEqual([...new Set(await page.evaluate<string[]>('states'))].sort(), [
      'connecting',
      'live',
    ])
  })

  it('signs out at the provider, and in every tab', async () => {
    const context = await newContext()
    const page = await openIn(context)
    await enterAs(page, 'alice')
    const other = await openIn(context)
    await live(other) // the provider knows him
    await page.click('#switch')
    await page.click('text="Sign out"')
    await page.waitForURL(`${stack.gateway}/`)
    await note(other, 'signed out in another tab')
    assert.equal(await other.locator('#shop').isVisible(), false)
    await enterAs(page, 'bob') // who is asked again
  })

  it('says that the provider is away, and signs in when it is back', async () => {
    const page = await open()
    await whileProviderIsAway(async () => {
      await signIn(page)
      await note(page, 'The sign-in service does not answer')
    })
    await page.click('#sign-in-note button')
    await choose(page, 'alice')
    await live(page)
    // Unreachable, not frozen: a frozen one would take the refresh token when it wakes up.
    await page.route(`${provider}/**`, (route) => route.abort())
    await page.locator('#connection[data-state=lost]').waitFor() // the token has expired
    await page.locator('#trouble', { hasText: 'The sign-in service does not answer' }).waitFor()
    await page.unroute(`${provider}/**`)
    await live(page)
    await order(page, '4.44')
    await badge(page, '4.44', '')
  })

  it('asks to sign in again when the provider has forgotten the session', async () => {
    const page = await open()
    await enterAs(page, 'alice')
    const pid = stack.pidOf('demo-provider')
    process.kill(pid, 'SIGKILL')
    await eventually(() => stack.pidOf('demo-provider') !== pid)
    await note(page, 'Your session is over. Sign in again.')
    await enterAs(page, 'alice') // its keys are the ones of before
    const again = await openIn(page.context())
    await live(again)
  })

  it('says why nobody has signed in', async () => {
    const page = await open()
    await signIn(page)
    await choose(page, 'cancel')
    await note(page, 'you cancelled')
    await page.goto(`${stack.gateway}/?code=any&state=another`)
    await note(page, 'not the answer to a sign-in that began in this tab')
    assert.equal(page.url(), `${stack.gateway}/`)

    await page.clock.setFixedTime(Date.now() + 2 * 3_600_000)
    await signIn(page)
    await choose(page, 'alice')
    await note(page, 'The clock of this device')
  })

  it('proves that it has asked: with a state, a nonce and PKCE', async () => {
    const page = await open()
    const asking = page.waitForRequest((request) => request.url().startsWith(`${provider}/auth?`))
    const redeeming = page.waitForRequest(`${provider}/token`)
    await enterAs(page, 'bob')
    const { searchParams: asked } = new URL((await asking).url())
    assert.equal(asked.get('code_challenge_method'), 'S256')
    assert.ok((asked.get('state') ?? '').length > 20 && (asked.get('nonce') ?? '').length > 20)
    const redeemed = new URLSearchParams((await redeeming).postData() ?? '')
    assert.ok((redeemed.get('code_verifier') ?? '').length > 40)
    // The code has been used: who has seen it gets nothing, with the verifier or without.
    for (const verifier of [redeemed.get('code_verifier') ?? '', 'a'.repeat(43)]) {
      redeemed.set('code_verifier', verifier)
      const again = await fetch(`${provider}/token`, { method: 'POST', body: redeemed })
      assert.equal(again.status, 400)
    }
  })

  it('asks again when it is reloaded before it has the tokens', async () => {
    const page = await open()
    await signIn(page)
    const held = Promise.withResolvers<void>()
    await page.route(`${provider}/token`, () => held.resolve())
    await choose(page, 'alice')
    await held.promise
    await page.unroute(`${provider}/token`)
    await page.reload()
    await signIn(page)
    await live(page)
  })

  it('asks without a question when another session is over', async () => {
    const context = await newContext()
    await enterAs(await openIn(context), 'alice')
    await context.clearCookies()
    await note(await openIn(context), 'Sign in to go on.')
  })

  it('lets the page call the provider, and no other document anybody', async () => {
    const policyOf = async (path: string) =>
      (await fetch(stack.gateway + path)).headers.get('content-security-policy') ?? ''
    assert.ok((await policyOf('/')).includes(`connect-src 'self' ${provider};`))
    assert.ok(!(await policyOf('/docs/')).includes(provider))
  })
})
