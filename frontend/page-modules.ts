import { stripTypeScriptTypes } from 'node:module'
import { posix } from 'node:path'

const importing = /^((?:import|export)\b[^'"]*?\bfrom\s+|import\s+)'([^']+)'/gm
/** Packages that are one module, and where that is served. */
export const packages: Record<string, string> = { oauth4webapi: 'oauth4webapi.js' }

const loadable = /^(?:\.{1,2}|#(?:client|contracts|frontend))\//

/**
 * The modules that a page loads, without their types, by their places below the root of the page. A
 * module keeps its name and its lines; only `#client/` in an import becomes the way there, such as
 * `../client/`. What is JSON, or one of `packages`, is served beside them. Throws where one imports
 * what no browser can load, such as another package.
 */
export function pageModules(
  entry: string,
  readSource: (place: string) => string,
): Map<string, string> {
  const modules = new Map<string, string>()
  const add = (place: string) => {
    const code = stripTypeScriptTypes(readSource(place), { mode: 'strip' })
    const imported: string[] = []
    const rewritten = code.replace(importing, (_, words: string, from: string) => {
      const served = packages[from]
      if (served !== undefined) return `${words}'/${served}'`
      if (from.endsWith('.json')) return `${words}'${from}'`
      if (!loadable.test(from)) {
        throw new Error(`${place} imports ${from}, which no browser can load`)
      }
      const folder = posix.dirname(place)
      const target = from.startsWith('#') ? from.slice(1) : posix.join(folder, from)
      imported.push(target)
      const way = posix.relative(folder, target)
      return `${words}'${way.startsWith('.') ? way : `./${way}`}'`
    })
    modules.set(place, rewritten)
    for (const next of imported) if (!modules.has(next)) add(next)
  }
  add(entry)
  return modules
}
