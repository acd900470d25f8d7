import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { documentFiles } from './files.ts'

/**
 * `npm run documents`: writes what is made from the schemas. A test fails where it was forgotten.
 */
for (const [path, text] of Object.entries(documentFiles())) {
  writeFileSync(resolve(import.meta.dirname, '../..', path), text)
}
