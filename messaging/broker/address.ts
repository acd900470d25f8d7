import amqp, { type Options } from 'amqplib'
import { type Certificates, readCertificates, withoutCertificates } from '#chassis/tls.ts'

/**
 * The heartbeat interval, since a half-open connection reports nothing: it is closed after two
 * missing heartbeats, which takes up to three intervals.
 */
export const heartbeatSeconds = 4

/** Host and port of a broker, without credentials: to check whether it can be reached. */
export function brokerAddress(url: string): { host: string; port: number } {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: Number(port) || (protocol === 'amqps:' ? 5_671 : 5_672) }
}

/**
 * The options for amqplib. User and password are decoded here and never put into a URL again:
 * amqplib reads the bytes of a URL as Latin-1, and code that joins a URL may lose a part, or log
 * it.
 */
export function connectFields(url: string): Options.Connect {
  const plain = withoutCertificates(url, 'rabbitmq')
  const { protocol, username, password, pathname, searchParams } = new URL(plain)
  const { host, port } = brokerAddress(url)
  return {
    heartbeat: heartbeatSeconds,
    ...Object.fromEntries(searchParams),
    protocol: protocol.slice(0, -1),
    hostname: host,
    port,
    vhost: pathname.slice(1), // amqplib decodes it
    ...((username || password) && {
      username: decodeURIComponent(username),
      password: decodeURIComponent(password),
    }),
  }
}

/** What TLS needs besides, from the files that the URL names, as they are now. */
export const certificatesFor = (url: string): Certificates => readCertificates(url, 'rabbitmq')

/** The same for rascal, which needs a URL: one without credentials, and the credentials apart. */
export function rascalFields(url: string) {
  const { username = 'guest', password = 'guest' } = connectFields(url)
  const anonymous = new URL(withoutCertificates(url, 'rabbitmq'))
  anonymous.username = ''
  anonymous.password = ''
  // rascal decodes the vhost, amqplib does so again.
  anonymous.pathname = `/${encodeURIComponent(anonymous.pathname.slice(1))}`
  return { url: anonymous.href, credentials: amqp.credentials.plain(username, password) }
}
