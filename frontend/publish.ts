// node frontend/publish.ts FOLDER: writes the page there, as a browser takes it. The folder is
// served as the root.
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { pageModules } from './page-modules.ts'

const repositoryDir = resolve(import.meta.dirname, '..')

/** What is served as it is: each file's place there, and where it is in the repository. */
function plainFiles(): Record<string, string> {
  const own = globSync('{,docs/}*.{html,css,js,svg,woff2}', { cwd: import.meta.dirname })
  return {
    ...Object.fromEntries(own.map((name) => [name, `frontend/${name}`])),
    'oauth4webapi.js': 'node_modules/oauth4webapi/build/index.js',
    'docs/swagger-ui.css': 'node_modules/swagger-ui-dist/swagger-ui.css',
    'docs/swagger-ui-bundle.js': 'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
    'docs/events.html': 'docs/generated/events.html',
    'openapi/orders.json': 'docs/generated/openapi/orders.json',
    'openapi/payments.json': 'docs/generated/openapi/payments.json',
    'asyncapi.json': 'docs/generated/asyncapi.json',
  }
}

/** `client/` and `contracts/` are folders of the repository, everything else is in this one. */
const sourceOf = (place: string): string =>
  /^(?:client|contracts)\//.test(place) ? place : `frontend/${place}`

const read = (file: string) => readFileSync(join(repositoryDir, file))

const entry = 'app.ts'
/** Loaded where the page signs in, and not before. */
const signInEntry = 'sign-in/door.ts'

/**
 * The page asks for all of its modules at once, and not for each when the one that imports it is
 * there.
 */
function withPreloads(html: string, places: Iterable<string>): string {
  const links = Array.from(places, (place) => `<link rel="modulepreload" href="/${place}">\n    `)
  const script = `<script type="module" src="/${entry}">`
  if (!html.includes(script)) throw new Error(`index.html has no ${script}`)
  return html.replace(script, `${links.join('')}${script}`)
}

function publish(folder: string): void {
  const readSource = (place: string) => read(sourceOf(place)).toString()
  const modules = pageModules(entry, readSource)
  const signInModules = pageModules(signInEntry, readSource)
  const index = withPreloads(read('frontend/index.html').toString(), modules.keys())
  const files = Object.entries(plainFiles()).map(([place, file]) => [place, read(file)] as const)
  process.umask(0o022) // nginx's workers, who are nobody, read it in any clone
  rmSync(folder, { recursive: true, force: true })
  for (const [place, content] of [
    ...files,
    ...signInModules,
    ...modules,
    ['index.html', index] as const,
  ]) {
    mkdirSync(dirname(join(folder, place)), { recursive: true })
    writeFileSync(join(folder, place), content)
  }
}

const folder = process.argv[2]
if (!folder) throw new Error('Say where to write the page: node frontend/publish.ts FOLDER')
publish(folder)
