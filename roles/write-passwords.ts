import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { withOwnPasswords } from './own-passwords.ts'

/**
 * `npm run passwords`: gives .env, which is made of .env.example if it is not there, a random
 * password wherever it has a default one. The file appears whole, and only its owner reads it.
 */
const from = existsSync('.env') ? '.env' : '.env.example'
const { text, names } = withOwnPasswords(readFileSync(from, 'utf8'))
if (names.length > 0) {
  writeFileSync('.env.new', text, { mode: 0o600 })
  renameSync('.env.new', '.env')
}
const said =
  names.length > 0 ? names.map((name) => `  ${name}`) : ['  none: no default one is left']
process.stdout.write(`Random passwords in .env for\n${said.join('\n')}
PostgreSQL keeps the password of its administrator from when its volume was created: change that one by
ALTER ROLE postgres PASSWORD, or remove the volume (docker compose down -v). The others count at the next start.
`)
