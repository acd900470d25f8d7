import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, matchesGlob, posix } from 'node:path'
import { processNames } from '#local/stack/ports.ts'

/** What is copied from the repository into an image, by the name of its stage in the Dockerfile. */
const stages = Object.fromEntries(
  readFileSync('Dockerfile', 'utf8')
    .split(/^FROM .* AS /m)
    .slice(1)
    .map((stage) => [
      stage.slice(0, stage.indexOf('\n')),
      [...stage.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
        paths.split(' '),
      ),
    ]),
)

/** .dockerignore: first nothing but what is named, and then not the patterns. */
const lines = readFileSync('.dockerignore', 'utf8').split('\n')
const named = lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
const excluded = lines.filter((line) => line.startsWith('**/'))
const isSent = (path: string) =>
  named.some((name) => path === name || path.startsWith(`${name}/`)) &&
  !excluded.some((pattern) => matchesGlob(path, pattern))

const importing =
  /^(?:import|export)\s+(?!type\s)[^'"]*?\bfrom\s+'([^']+)'|\bimport\(\s*'([^']+)'|^import\s+'([^']+)'/gm
const { imports } = JSON.parse(readFileSync('package.json', 'utf8'))

/** The file that an import of a module means; undefined for one of a package. */
function fileOf(module: string, from: string): string | undefined {
  if (from.startsWith('.')) return posix.join(dirname(module), from)
  const [prefix = ''] = /^#[^/]+\//.exec(from) ?? []
  return prefix
    ? posix.join(imports[`${prefix}*`].slice(0, -1), from.slice(prefix.length))
    : undefined
}

describe('the images', () => {
  const dir = mkdtempSync(join(tmpdir(), 'images-'))
  after(() => rmSync(dir, { recursive: true }))

  /** A folder with what Docker would copy there. */
  function copied(stage: string): string {
    const target = join(dir, stage)
    for (const path of stages[stage] ?? assert.fail(`no stage ${stage}`)) {
      const files = globSync([path, `${path}/**`], { withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => posix.relative(process.cwd(), join(entry.parentPath, entry.name)))
        .filter(isSent)
      assert.ok(files.length > 0, `${path} has nothing that .dockerignore lets through`)
      for (const file of files) {
        mkdirSync(dirname(join(target, file)), { recursive: true })
        cpSync(file, join(target, file))
      }
    }
    return target
  }

  for (const [stage, least] of [
    ['code', 100],
    ['demo-provider', 3],
  ] as const) {
    it(`from the stage ${stage} has every module that its modules import`, () => {
      const target = copied(stage)
      const modules = globSync('**/*.{ts,mjs}', { cwd: target })
      assert.ok(modules.length > least)
      const missing = modules.flatMap((module) =>
        [...readFileSync(join(target, module), 'utf8').matchAll(importing)].flatMap(
          ([, from, dynamic, bare]) => {
            const file = fileOf(module, from ?? dynamic ?? bare ?? '')
            return file && !existsSync(join(target, file)) ? [`${module} imports ${file}`] : []
          },
        ),
      )
      assert.deepEqual(missing, [])
    })
  }

  it('of the processes has every program that a container of it runs', () => {
    const compose = readFileSync('docker-compose.yml', 'utf8')
    const bundles = [...compose.matchAll(/^\s+command: \[dist\/([a-z-]+)\.cjs\]/gm)]
    assert.deepEqual(bundles.map(([, name]) => name).sort(), [...processNames].sort())
    for (const program of ['migrations/migrate.ts', 'operator/main.ts']) {
      assert.ok(compose.includes(program))
      assert.ok(existsSync(join(dir, 'code', program)))
    }
  })

  it('of the processes is bundled from files that are there', () => {
    const target = copied('bundles')
    cpSync(copied('code'), target, { recursive: true })
    symlinkSync(join(process.cwd(), 'node_modules'), join(target, 'node_modules'))
    execFileSync(process.execPath, ['local/bundle/main.ts', join(target, 'dist')], { cwd: target })
    for (const name of processNames) assert.ok(existsSync(join(target, 'dist', `${name}.cjs`)))
  }).timeout(60_000)

  it('of the page is made of files that are there', () => {
    const target = copied('page')
    symlinkSync(join(process.cwd(), 'node_modules'), join(target, 'node_modules'))
    const flags = ['--disable-warning=ExperimentalWarning']
    execFileSync(process.execPath, [...flags, 'frontend/publish.ts', join(target, 'page')], {
      cwd: target,
    })
    assert.ok(existsSync(join(target, 'page/client/client.ts')))
    assert.ok(existsSync(join(target, 'page/docs/events.html')))
  })
})
