import amqp, { type Options } from 'amqplib'

/**
 * Between two heartbeats, since a half-open connection reports nothing by itself: it is given up
 * when two are missing, which takes up to three intervals to see.
 */
export const heartbeatSeconds = 4

/** Where a broker is, without who logs in: for those who only ask whether it is there. */
export function brokerAddress(url: string): { host: string; port: number } {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return { host, port: Number(port) || (protocol === 'amqps:' ? 5_671 : 5_672) }
}

/**
 * What amqplib connects with. User and password are decoded here and never put into a URL again: it
 * takes the bytes of a URL for Latin-1, and who puts a URL together from parts may lose one, or
 * show it.
 */
export function connectFields(url: string): Options.Connect {
  const { protocol, username, password, pathname, searchParams } = new URL(url)
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

/** The same for rascal, which takes a URL: one that names nobody, and who logs in beside it. */
export function rascalFields(url: string) {
  const { username = 'guest', password = 'guest' } = connectFields(url)
  const anonymous = new URL(url)
  anonymous.username = ''
  anonymous.password = ''
  // rascal decodes the vhost, amqplib does so again.
  anonymous.pathname = `/${encodeURIComponent(anonymous.pathname.slice(1))}`
  return { url: anonymous.href, credentials: amqp.credentials.plain(username, password) }
}
