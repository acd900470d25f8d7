import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'

/** What to trust, and what to be trusted by: PEM. */
export type Certificates = Partial<Record<Kind, string>>

type Kind = 'ca' | 'cert' | 'key'

type Server = keyof typeof certificateParameters

/** The parameters of a URL that name the files of certificates, as each server's own tools do. */
export const certificateParameters = {
  postgres: { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' },
  rabbitmq: { ca: 'cacertfile', cert: 'certfile', key: 'keyfile' },
} as const

/**
 * Reads the certificates that a URL names, now: each connection has those that are there when it
 * opens. Throws an Error that names the parameter, for files that no connection could be opened
 * with.
 */
export function readCertificates(url: string, server: Server): Certificates {
  const names = certificateParameters[server]
  const { searchParams } = new URL(url)
  return readCertificateFiles((kind) => searchParams.get(names[kind]), names)
}

/** The same of files by their paths; an error calls them by these names. */
export function readCertificateFiles(
  pathOf: (kind: Kind) => string | null | undefined,
  names: Record<Kind, string>,
): Certificates {
  const files = (['ca', 'cert', 'key'] as const).flatMap((kind) => {
    const path = pathOf(kind)
    return path ? [[kind, readPem(path, names[kind])] as const] : []
  })
  if (files.length === 0) return {}
  const certificates: Certificates = Object.fromEntries(files)
  const { cert, key } = certificates
  if (Boolean(cert) !== Boolean(key)) throw new Error(`${names.cert} and ${names.key} go together`)
  assertUsable(certificates, names)
  return certificates
}

function readPem(path: string, name: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new Error(`${name} ${path} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

/** Node takes a text that is no certificate for an authority, and trusts nobody later. */
function assertUsable({ ca, ...own }: Certificates, names: Record<Kind, string>): void {
  if (ca !== undefined && !ca.includes('-----BEGIN CERTIFICATE-----')) {
    throw new Error(`${names.ca} has no certificate in PEM`)
  }
  try {
    createSecureContext(own)
    if (ca !== undefined) createSecureContext({ ca })
  } catch (error) {
    const { message } = error as Error
    throw new Error(`${names.ca}, ${names.cert} or ${names.key} cannot be used: ${message}`)
  }
}

/** Why the certificates that a URL names cannot be used now; undefined when they can. */
export function certificateFault(url: string, server: Server): string | undefined {
  try {
    readCertificates(url, server)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** The same URL without the files. */
export function withoutCertificates(url: string, server: Server): string {
  const own = new URL(url)
  for (const name of Object.values(certificateParameters[server])) own.searchParams.delete(name)
  return own.href
}

/** Why TLS by a URL would not show who answers; undefined when it does. */
export function unverifiedTls(url: string): string | undefined {
  const { protocol, searchParams } = new URL(url)
  const has = (name: string, ...values: string[]) => values.includes(searchParams.get(name) ?? '')
  if (has('sslmode', 'no-verify') || has('ssl', 'no-verify') || has('uselibpqcompat', 'true'))
    return 'TLS without verifying the server (no-verify, uselibpqcompat): use sslmode=verify-full'
  if (has('verify', 'verify_none'))
    return 'TLS without verifying the server (verify_none): leave it out'
  const files = Object.values(certificateParameters.rabbitmq).filter((name) =>
    searchParams.has(name),
  )
  return protocol === 'amqp:' && files.length > 0
    ? `${files.join(', ')} without TLS: use amqps://`
    : undefined
}
