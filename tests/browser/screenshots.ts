// npm run screenshots: the pictures of docs/images/, made again from a stack of its own.
import { randomUUIDv7 } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import amqp from 'amqplib'
import { sql } from 'kysely'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { launchBrowser, visit } from '#testing/browser.ts'
import { insist } from '#testing/client.ts'
import { startOperatorPage } from '#testing/operator-page.ts'
import { withDatabases } from '#testing/reconcile.ts'
import { type Stack, startStack } from '#testing/stack.ts'

const folder = 'docs/images'
const wide = { viewport: { width: 1280, height: 860 } }
const narrow = { viewport: { width: 360, height: 780 }, colorScheme: 'dark' } as const

async function open(browser: Browser, gateway: string, options: BrowserContextOptions) {
  const context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce', ...options })
  return (await visit(context, gateway)).page
}

async function fill(page: Page, name: 'user-id' | 'topup-amount' | 'order-amount', text: string) {
  await page.fill(`#${name}`, text)
  await page.press(`#${name}`, 'Enter')
}

/** Places an order and waits until its whole life is drawn. */
async function order(page: Page, amount: string, note: string) {
  await fill(page, 'order-amount', amount)
  await page.locator('#order-note', { hasText: `${amount} ${note}` }).waitFor()
  await page.locator('#pipeline .station[data-state=done]').nth(4).waitFor()
}

async function shop(page: Page, user: string) {
  await fill(page, 'user-id', user)
  await page.locator('#shop').waitFor()
  await fill(page, 'topup-amount', '100')
  await page.locator('#balance', { hasText: '100.00' }).waitFor()
  for (const amount of ['4.90', '12.50', '24.00', '8.75']) await order(page, amount, 'paid')
  await page.locator('#balance', { hasText: '49.85' }).waitFor()
  await page.locator('#pipeline .station[data-state=done]').nth(5).waitFor()
}

/** The whole width, from the top, without the focus of whoever has just clicked. */
async function shoot(page: Page, name: string, selector?: string) {
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  const options = { path: `${folder}/${name}.png`, animations: 'disabled' } as const
  if (selector) await page.locator(selector).screenshot(options)
  else await page.screenshot(options)
}

async function takeAll(browser: Browser, gateway: string): Promise<void> {
  const light = await open(browser, gateway, wide)
  await shoot(light, 'welcome')
  await shop(light, 'alice')
  await shoot(light, 'shop')
  await light.click('#burst-form [type=submit]')
  await light.locator('#burst-check[data-tone=good]', { hasText: '200 ×' }).waitFor()
  await light.locator('#burst-label', { hasText: '200 of 200 final' }).waitFor()
  await shoot(light, 'burst', '.card:has(#burst-form)')

  const dark = await open(browser, gateway, { ...wide, colorScheme: 'dark' })
  await shop(dark, 'bob')
  await order(dark, '999.00', 'refused')
  await shoot(dark, 'refused')

  const small = await open(browser, gateway, narrow)
  await shop(small, 'carol')
  await small.locator('.card:has(#pipeline)').scrollIntoViewIfNeeded()
  await shoot(small, 'narrow', '.card:has(#pipeline)')
}

/** Messages that nobody can handle, and an order that nobody charges. */
async function makeTrouble(stack: Stack): Promise<void> {
  const connection = await amqp.connect(stack.amqp_url)
  const channel = await connection.createConfirmChannel()
  const type = 'PaymentRequested'
  for (const body of ['hello', JSON.stringify({ type, subject: randomUUIDv7() })]) {
    const properties = { messageId: randomUUIDv7(), type }
    channel.publish('orders.events', 'payment.requested', Buffer.from(body), properties)
  }
  await channel.waitForConfirms()
  await connection.close()
  process.kill(stack.pidOf('payments-consumer'), 'SIGSTOP')
  await insist(stack.gateway, '/orders', { user_id: 'alice', amount: '12.50' })
  await withDatabases(stack, async ({ orders }) => {
    await sql`UPDATE orders SET created_at = created_at - interval '7 minutes'
              WHERE user_id = 'alice'`.execute(orders)
  })
}

async function takeOperator(browser: Browser, stack: Stack): Promise<void> {
  const urls = { orders: stack.orders_database_url, payments: stack.payments_database_url }
  const desk = await startOperatorPage({ amqp: stack.amqp_url, ...urls }, { OPERATOR_PAGE: 'act' })
  try {
    const page = await open(browser, desk.url, wide)
    await page.locator('#letters li').nth(1).waitFor()
    await page.locator('#stuck li').first().waitFor()
    await page.locator('#letters li').first().getByText('Show').click()
    await page.locator('#letters pre').waitFor()
    await page.click('#reconcile-form [type=submit]')
    await page.locator('#findings li').first().waitFor()
    await shoot(page, 'operator', 'body')
  } finally {
    await desk.stop()
    process.kill(stack.pidOf('payments-consumer'), 'SIGCONT')
  }
}

mkdirSync(folder, { recursive: true })
const stack = await startStack()
const browser = await launchBrowser()
try {
  await takeAll(browser, stack.gateway)
  await makeTrouble(stack)
  await takeOperator(browser, stack)
} finally {
  await browser.close()
  await stack.stop()
}
