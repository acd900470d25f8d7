import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, relative } from 'node:path'
import { build, type Plugin, stop } from 'esbuild'

/** The file of a process in the folder of `bundle`. */
export const bundleOf = (dir: string, name: string): string => join(dir, `${name}.cjs`)

/** What bundles were made from: each file with its size and time; written after the bundles. */
const inputsFile = (dir: string): string => join(dir, 'inputs.json')

/**
 * Makes one file of each process (`NAME/main.ts`) and of all that it imports, with a source map
 * beside it: `dir/NAME.cjs`. Loading one file takes half the CPU time of loading 900. Does nothing
 * when the bundles are of the present sources. Others may run bundles of the folder, or make them,
 * at the same time. `external` packages stay outside, and are loaded from node_modules.
 *
 * CommonJS, because `import 'node:http'` in an ES module loads all of undici, which `require` does
 * not (findings/import-http-loads-undici.sh).
 */
export async function bundle(
  names: readonly string[],
  root: string,
  dir: string,
  external: string[] = [],
): Promise<void> {
  if (isFresh(root, dir, names)) return
  mkdirSync(dir, { recursive: true })
  const scratch = mkdtempSync(join(dir, 'new-'))
  try {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: names.map((name) => ({ in: join(root, name, 'main.ts'), out: name })),
      outdir: scratch,
      outExtension: { '.js': '.cjs' },
      ...{ bundle: true, metafile: true, logLevel: 'warning', plugins: [withoutCallSites] },
      ...{ sourcemap: true, sourcesContent: false },
      ...{ platform: 'node', format: 'cjs', target: 'node26' },
      ...{ minifySyntax: true, minifyWhitespace: true },
      external: ['pg-native', ...external], // what pg loads if somebody has installed it
      logOverride: { 'empty-import-meta': 'error' },
    })
    const inputs = Object.fromEntries(
      Object.keys(metafile.inputs).map((file) => [file, stampOf(join(root, file))]),
    )
    writeFileSync(inputsFile(scratch), JSON.stringify({ names, inputs }))
    const made = names.flatMap((name) => [
      `${bundleOf(scratch, name)}.map`,
      bundleOf(scratch, name),
    ])
    for (const file of [...made, inputsFile(scratch)]) {
      renameSync(file, join(dir, relative(scratch, file)))
    }
  } finally {
    await stop() // esbuild's own process
    rmSync(scratch, { recursive: true, force: true })
  }
}

/**
 * pino asks for the call sites of each new logger, which are for transports only. With source maps
 * Node reads the whole map for that (findings/pino-reads-source-maps.sh).
 */
const withoutCallSites: Plugin = {
  name: 'without call sites',
  setup: ({ onLoad }) =>
    onLoad({ filter: /pino\/lib\/caller\.js$/ }, () => ({
      contents: 'module.exports = () => []',
    })),
}

function isFresh(root: string, dir: string, names: readonly string[]): boolean {
  try {
    const made = JSON.parse(readFileSync(inputsFile(dir), 'utf8'))
    const stamps = Object.entries(made.inputs)
    return (
      names.every((name) => made.names.includes(name)) &&
      stamps.every(([file, stamp]) => stampOf(join(root, file)) === stamp)
    )
  } catch {
    return false
  }
}

function stampOf(file: string): string {
  const { size, mtimeMs } = statSync(file)
  return `${size} ${mtimeMs}`
}
