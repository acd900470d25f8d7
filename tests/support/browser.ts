import axe from 'axe-core'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { programPath } from '#local/install/system-packages.ts'

/** Another name of this machine, which is no secure context for a browser, as localhost is. */
export const plainName = 'shop.example'

/** For a browser that runs as root, without a screen, and calls nobody. */
const switches = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  `--host-resolver-rules=MAP ${plainName} 127.0.0.1`,
]

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: programPath('chromium'), args: switches })

/** The console errors of the page, and its requests to other origins. */
export interface PageProblems {
  errors: string[]
  foreign: string[]
}

/**
 * A page of the shop as a new visitor gets it. Requests that fail on purpose, or what plain http
 * cannot have, are not in its problems.
 */
export async function visit(
  context: BrowserContext,
  gateway: string,
): Promise<{ page: Page; problems: PageProblems }> {
  const page = await context.newPage()
  const problems: PageProblems = { errors: [], foreign: [] }
  page.on('pageerror', (error) => problems.errors.push(error.message))
  page.on('console', (message) => {
    const isExpected =
      /^Failed to load resource|^WebSocket connection to|^The Cross-Origin-Opener-Policy header has been ignored/
    const isError = message.type() === 'error' && !isExpected.test(message.text())
    if (isError) problems.errors.push(message.text())
  })
  page.on('request', (request) => {
    if (new URL(request.url()).origin !== gateway) problems.foreign.push(request.url())
  })
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).host !== new URL(gateway).host) problems.foreign.push(socket.url())
  })
  await page.goto(gateway)
  return { page, problems }
}

interface Violation {
  id: string
  nodes: { html: string }[]
}

/** What hinders somebody from using the page, by the rules of axe. */
export async function findingsOf(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const violations = await page.evaluate<Violation[]>('axe.run().then((run) => run.violations)')
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
}
