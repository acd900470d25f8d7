import fs from 'node:fs'
import { registerHooks, syncBuiltinESMExports } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { applyEdit, type Edit, fileOf } from './edit.ts'
import { mutants } from './mutants/all.ts'
import { editsOf } from './mutants/mutant.ts'

/**
 * For `node --import`: switches off the protection that MUTANT names, by editing a file as it is
 * loaded. The file on the disk stays as it is.
 */
const mutant = mutants.find(({ name }) => name === process.env.MUTANT)

if (process.env.MUTANT && !mutant) throw new Error(`There is no mutant ${process.env.MUTANT}`)
if (mutant) for (const edit of editsOf(mutant)) install(edit)

function install(edit: Edit): void {
  const path = resolve(join(import.meta.dirname, '../..', fileOf(edit)))
  const url = pathToFileURL(path).href
  const mutated = (source: string) => applyEdit(source, edit)
  registerHooks({
    load: (loading, context, next) => {
      const loaded = next(loading, context)
      if (loading !== url) return loaded
      return { ...loaded, source: mutated(String(loaded.source)) }
    },
  })
  if (path.endsWith('.sql')) readMutated(path, mutated)
}

/** SQL is read, not loaded. */
function readMutated(path: string, mutated: (source: string) => string): void {
  const { readFile } = fs.promises
  const reading = async (...args: Parameters<typeof readFile>) => {
    const content = await readFile(...args)
    return resolve(String(args[0])) === path ? mutated(String(content)) : content
  }
  fs.promises.readFile = reading as typeof readFile
  syncBuiltinESMExports()
}
