import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Browser, Page } from 'playwright-core'
import { findingsOf, launchBrowser, visit } from '#testing/browser.ts'
import { useStack } from '#testing/shared-stack.ts'

describe('/docs/, in a browser', function () {
  this.timeout(120_000)
  const stack = useStack()
  let browser: Browser

  before('start the browser', async () => {
    browser = await launchBrowser()
  })
  after(() => browser?.close())

  /** Opens a page, and fails when it breaks its policy or asks anybody else. */
  async function look(path: string, what: (page: Page) => Promise<void>) {
    const context = await browser.newContext({ viewport: { width: 360, height: 800 } })
    context.setDefaultTimeout(30_000)
    const { page, problems } = await visit(context, stack.gateway)
    await page.goto(new URL(path, stack.gateway).href)
    await what(page)
    await context.close()
    assert.deepEqual(problems.errors, [])
    assert.deepEqual(
      problems.foreign.filter((url) => !url.startsWith('data:')), // the arrows of Swagger UI
      [],
    )
  }

  for (const [what, path, more] of [
    ['opens an account', '/docs/payments.html#/Payments/createAccount', {}],
    ['places an order', '/docs/orders.html#/Orders/placeOrder', { amount: '1.00' }],
  ] as const) {
    it(`${what} by "Try it out", on a phone`, async () => {
      const user_id = `docs-${randomUUID()}`
      await look(path, async (page) => {
        await page.locator('textarea.body-param__text').fill(JSON.stringify({ user_id, ...more }))
        await page.locator('button.execute').click()
        const answer = page.locator('.live-responses-table')
        await answer.locator('.response-col_status', { hasText: '201' }).waitFor()
        await answer.getByText(user_id).first().waitFor()
        await expectToFit(page)
      })
    })
  }

  for (const path of ['/docs/', '/docs/events.html']) {
    it(`shows ${path} on a phone, to everybody`, async () => {
      await look(path, async (page) => {
        assert.deepEqual(await findingsOf(page), [])
        await expectToFit(page)
      })
    })
  }

  async function expectToFit(page: Page) {
    const width = await page.evaluate<number>('document.documentElement.scrollWidth')
    assert.ok(width <= 360, `${width} wide`)
  }
})
