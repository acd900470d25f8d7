import amqp, { type Options } from 'amqplib'
import type { Variable } from '#chassis/config.ts'
import { amqpUrl } from '#chassis/server-urls.ts'
import { type Certificates, readCertificates, withoutCertificates } from '#chassis/tls.ts'

/**
 * The heartbeat interval, since a half-open connection reports nothing: it is closed after two
 * missing heartbeats, which takes up to three intervals.
 */
export const heartbeatSeconds = 4

/**
 * The variable with the URL of a node of RabbitMQ, or of several nodes of a cluster, with commas.
 */
export function brokerUrl(name: string): Variable<string> {
  const { parse, ...node } = amqpUrl(name)
  const parseAll = (value: string) => {
    const urls = urlsIn(value).map(parse)
    if (new Set(urls.map(virtualHost)).size === 1) return urls.join(',')
    throw new Error('must name the nodes of one cluster: these have different virtual hosts')
  }
  return { ...node, parse: parseAll }
}

/** A comma that no URL follows is a part of a password. */
const urlsIn = (list: string): string[] => list.split(/\s*,\s*(?=[a-z]+:\/\/)/)

/** The virtual host of a node, or of a cluster. */
export const virtualHost = (urls: string): string =>
  decodeURIComponent(new URL(urlsIn(urls)[0] as string).pathname.slice(1)) || '/'

/** The same URLs without user and password, to be shown. */
export const withoutLogins = (urls: string): string => urlsIn(urls).map(withoutLogin).join(', ')

function withoutLogin(url: string): string {
  const own = new URL(url)
  own.username = ''
  own.password = ''
  return own.href
}

/** Host and port of each node, without credentials: to check whether they can be reached. */
export const brokerAddresses = (urls: string) => urlsIn(urls).map(addressOf) as [Address]

interface Address {
  host: string
  port: number
}

function addressOf(url: string): Address {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: Number(port) || (protocol === 'amqps:' ? 5_671 : 5_672) }
}

/**
 * The URLs of the nodes of a cluster, in a random order: its clients spread over the nodes, and
 * those of a lost node over the others.
 */
export const shuffledNodes = (urls: string): string[] =>
  urlsIn(urls)
    .map((url) => ({ url, place: Math.random() }))
    .sort((one, other) => one.place - other.place)
    .map(({ url }) => url)

/**
 * The options for amqplib. User and password are decoded here and never put into a URL again:
 * amqplib reads the bytes of a URL as Latin-1, and code that joins a URL may lose a part, or log
 * it.
 */
export function connectFields(url: string): Options.Connect {
  const plain = withoutCertificates(url, 'rabbitmq')
  const { protocol, username, password, pathname, searchParams } = new URL(plain)
  const { host, port } = addressOf(url)
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
  const anonymous = new URL(withoutLogin(withoutCertificates(url, 'rabbitmq')))
  // rascal decodes the vhost, amqplib does so again.
  anonymous.pathname = `/${encodeURIComponent(anonymous.pathname.slice(1))}`
  return { url: anonymous.href, credentials: amqp.credentials.plain(username, password) }
}
