import { readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { pageModules } from '#frontend/page-modules.ts'
import { repositoryDir } from '../cli/addresses.ts'

/** A file of the page, as a browser takes it. */
export interface PageFile {
  type: string
  content: string | Buffer
}

const entry = 'operator/page/browser/page.ts'

/** Each file's place below /operator/, and where it is in the repository. */
const plainFiles = {
  '': 'operator/page/browser/index.html',
  'operator.css': 'operator/page/browser/operator.css',
  'style.css': 'frontend/style.css',
  'parts.css': 'frontend/parts.css',
  'inter.woff2': 'frontend/inter.woff2',
  'favicon.svg': 'frontend/favicon.svg',
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.woff2': 'font/woff2',
  '.svg': 'image/svg+xml',
}

/** All files of the page. A module has its place in the repository, without its types. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  const read = (file: string) => readFileSync(join(repositoryDir, file))
  const modules = pageModules(entry, (place) => read(place).toString())
  const files = new Map<string, PageFile>()
  for (const [place, file] of Object.entries(plainFiles)) {
    files.set(place, { type: types[extname(file)] ?? '', content: read(file) })
  }
  for (const [place, content] of modules) {
    files.set(place, { type: 'text/javascript; charset=utf-8', content })
  }
  return files
}
