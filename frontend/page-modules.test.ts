import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pageModules } from './page-modules.ts'

const modulesOf = (sources: Record<string, string>) =>
  pageModules('app.ts', (place) => sources[place] ?? assert.fail(`reads ${place}`))

describe('pageModules', () => {
  it('follows imports of values, and leaves out types and what only they need', () => {
    const modules = modulesOf({
      'app.ts': `import type { Order } from '#contracts/orders-http.ts'
import { first } from './lib/first.ts'
import {
  second,
} from '#client/second.ts'
export const all: Order[] = [first, second]
`,
      'lib/first.ts': `import { money } from '#contracts/money.ts'\nexport const first = money\n`,
      'client/second.ts': `export { money as second } from '#contracts/money.ts'\n`,
      'contracts/money.ts': `import '../app.ts'\nexport const money: number = 1\n`,
    })
    assert.deepEqual(
      [...modules.keys()],
      ['app.ts', 'lib/first.ts', 'contracts/money.ts', 'client/second.ts'],
    )
    assert.match(modules.get('app.ts') ?? '', /^ +\nimport \{ first \} from '.\/lib\/first.ts'/)
    assert.match(modules.get('app.ts') ?? '', / second,\n\} from '.\/client\/second.ts'/)
    assert.match(modules.get('client/second.ts') ?? '', /from '..\/contracts\/money.ts'/)
  })

  for (const from of ['ajv', 'node:fs', '#chassis/backoff.ts']) {
    it(`refuses ${from}, which no browser can load`, () => {
      assert.throws(
        () => modulesOf({ 'app.ts': `import { some } from '${from}'\nsome()\n` }),
        new RegExp(`app.ts imports ${from}, which no browser can load`),
      )
    })
  }
})

describe('frontend/publish.ts', () => {
  const folder = mkdtempSync(join(tmpdir(), 'page-'))
  before(() => {
    const flags = ['--disable-warning=ExperimentalWarning']
    execFileSync(process.execPath, [...flags, 'frontend/publish.ts', folder], { stdio: 'inherit' })
  })
  after(() => rmSync(folder, { recursive: true }))

  it('publishes everything that index.html names, and no test', () => {
    const html = readFileSync(join(folder, 'index.html'), 'utf8')
    const named = [...html.matchAll(/(?:href|src)="(\/[^"]+[^/])"/g)].map(([, path]) => path ?? '')
    assert.ok(named.includes('/app.ts') && named.includes('/style.css'))
    assert.deepEqual(
      named.filter((path) => !existsSync(join(folder, path))),
      [],
    )
    assert.deepEqual(globSync('**/*{.test,publish,page-modules}.ts', { cwd: folder }), [])
  })

  it('names every module in index.html, so that a browser asks for all of them at once', () => {
    const html = readFileSync(join(folder, 'index.html'), 'utf8')
    const preloaded = [...html.matchAll(/rel="modulepreload" href="\/([^"]+)"/g)]
    const modules = globSync('**/*.ts', { cwd: folder, exclude: ['sign-in/**'] })
    assert.ok(modules.length > 40)
    assert.deepEqual(preloaded.map(([, place]) => place).sort(), modules.sort())
  })

  it('publishes what signing in needs, which is loaded only there', () => {
    const code = (place: string) => readFileSync(join(folder, place), 'utf8')
    assert.match(code('app.ts'), /await import\('.\/sign-in\/door.ts'\)/)
    assert.ok(existsSync(join(folder, 'sign-in/door.ts')))
    assert.match(code('sign-in/provider.ts'), /from '\/oauth4webapi.js'/)
    assert.doesNotMatch(code('oauth4webapi.js'), /^import /m)
    assert.match(code('lib/api.ts'), /from '..\/auth.json' with \{ type: 'json' \}/)
  })

  it('publishes files that everybody may read', () => {
    const modeOf = (place: string) => statSync(join(folder, place)).mode & 0o777
    assert.deepEqual([modeOf('client/client.ts'), modeOf('client')], [0o644, 0o755])
    assert.deepEqual([modeOf('docs/swagger-ui.css'), modeOf('.')], [0o644, 0o755])
  })
})
