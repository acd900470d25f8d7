import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'

interface Package {
  version?: string
  license?: string
  dev?: boolean
  optional?: boolean
  devOptional?: boolean
}

/** Packages whose licence is in a file of theirs, and not where npm looks for it. */
const ownWords: Record<string, string> = { individual: 'MIT', 'safe-json-parse': 'MIT' }

/** A package that is in production: in the image of the processes or of the page. */
interface Shipped {
  name: string
  version: string
  licence: string
}

/** Sorted by name. Of two versions of a package, each. */
export function shippedPackages(): Shipped[] {
  const lock = resolve(import.meta.dirname, '../../package-lock.json')
  const { packages } = JSON.parse(readFileSync(lock, 'utf8')) as {
    packages: Record<string, Package>
  }
  const shipped = Object.entries(packages).flatMap(([path, found]) => {
    if (path === '' || found.dev || found.optional || found.devOptional) return []
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const licence = found.license ?? ownWords[name] ?? 'unknown'
    return [{ name, version: found.version ?? '', licence }]
  })
  const key = ({ name, version }: Shipped) => `${name} ${version}`
  return shipped.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** The licences of all packages in production, for people. */
export function licencesPage(): string {
  const byLicence = Map.groupBy(shippedPackages(), ({ licence }) => licence)
  const sections = [...byLicence].toSorted().map(([licence, packages]) => {
    const lines = packages.map(({ name, version }) => `- ${name} ${version}`)
    return `## ${licence}\n\n${[...new Set(lines)].join('\n')}`
  })
  return `# Licences

Of the packages in production, from \`package-lock.json\` by \`npm run documents\`. \`npm run check\` fails at a licence that
is not on the list of \`docs/generator/licences-page.test.ts\`.

${sections.join('\n\n')}
`
}
