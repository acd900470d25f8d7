import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import type { Browser } from 'playwright-core'
import { launchBrowser, visit } from '#testing/browser.ts'
import { freePorts } from '#testing/free-ports.ts'
import { openProject, type Project } from './project.ts'

const minutes = 60_000

/** In a real browser, at the provider of the containers. Needs a Docker engine. */
describe('docker compose --profile demo-auth', function () {
  this.timeout(4 * minutes)
  let project: Project
  let browser: Browser

  before(async function () {
    this.timeout(15 * minutes)
    const [port] = await freePorts(1)
    const settings = parseEnv(readFileSync('demo-provider/compose.env', 'utf8'))
    project = await openProject({
      env: {
        ...(settings as Record<string, string>),
        COMPOSE_PROFILES: 'demo-auth',
        DEMO_PROVIDER_PORT: `${port}`,
        JWT_ISSUER: `http://localhost:${port}`,
      },
    })
    await project.up(1)
    browser = await launchBrowser()
  })

  after(async function () {
    this.timeout(3 * minutes)
    await browser?.close()
    await project?.[Symbol.asyncDispose]()
  })

  it('takes a visitor through the provider to a paid order, and out again', async () => {
    const context = await browser.newContext({ locale: 'en-US', reducedMotion: 'reduce' })
    const { page, problems } = await visit(context, project.gateway)
    await page.click('#sign-in-form [type=submit]')
    await page.click('button[formaction$="/bob"]')
    await page.locator('#connection[data-state=live]').waitFor()
    const fields = { 'topup-amount': '20.00', 'order-amount': '12.50' }
    for (const [name, amount] of Object.entries(fields)) {
      await page.fill(`#${name}`, amount)
      await page.press(`#${name}`, 'Enter')
      await page.locator('#ledger .amount', { hasText: amount }).waitFor()
    }
    await page.reload()
    await page.locator('#orders .badge', { hasText: 'Paid' }).waitFor()
    await page.click('#switch')
    await page.click('text="Sign out"')
    await page.locator('#sign-in-form').waitFor()
    assert.deepEqual(problems.errors, [])
  })

  it('keeps its keys when the provider gets a new container', async () => {
    const keys = async () =>
      (await project.compose('exec', '-T', 'demo-provider', 'cat', '/data/secrets.json')).trim()
    const first = await keys()
    await project.compose(
      'up',
      '--detach',
      '--no-deps',
      '--force-recreate',
      '--wait',
      'demo-provider',
    )
    assert.equal(await keys(), first)
  })
})
