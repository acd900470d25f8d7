import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Secrets {
  /** Signs tokens. */
  key: JsonWebKey
  /** Signs cookies. */
  cookieKey: string
}

/** The first start makes them; a token stays good when the provider is started again. */
export function readSecrets(dir: string): Secrets {
  const file = join(dir, 'secrets.json')
  if (!existsSync(file)) {
    mkdirSync(dir, { recursive: true })
    const draft = `${file}.${process.pid}.new`
    writeFileSync(draft, JSON.stringify(newSecrets()), { mode: 0o600 })
    renameSync(draft, file)
  }
  return JSON.parse(readFileSync(file, 'utf8'))
}

function newSecrets(): Secrets {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { ...privateKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig' }
  return { key, cookieKey: randomBytes(32).toString('hex') }
}
