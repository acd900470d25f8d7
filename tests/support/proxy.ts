import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { type NetworkFault, ProxiedConnection, type Way } from './proxied-connection.ts'

/** A way to a server that can fail in every way in which a network does. */
export interface Proxy {
  url: string
  /** The connections that are open now, oldest first. */
  connections: () => ProxiedConnection[]
  /** From now on its present connections pass nothing on and end nothing; later ones live. */
  freeze: (ways?: readonly Way[]) => void
  /**
   * All connections of which `concerns` holds, present and to come, until the returned function.
   */
  disturb: (networkFault: NetworkFault, concerns?: Concerns) => () => void
  /** Resets the present connections; says how many. */
  cut: (concerns?: Concerns) => number
  /** The next connection on which these bytes travel is cut instead; says whether one was. */
  cutAt: (bytes: Buffer, way?: Way) => () => boolean
  close: () => void
}

/** Tells by what the client said first whether a connection is meant. */
export type Concerns = (connection: Pick<ProxiedConnection, 'label'>) => boolean

const everyone: Concerns = () => true

/** Passes the connections of a port (any free one, unless told) on to the server of a URL. */
export async function proxyTo(url: string, port = 0): Promise<Proxy> {
  const target = new URL(url)
  const connections = new Set<ProxiedConnection>()
  const disturbances = new Set<{ networkFault: NetworkFault; concerns: Concerns }>()
  let fatal: { bytes: Buffer; way: Way } | undefined
  const watch = (way: Way, data: Buffer) => {
    if (fatal?.way !== way || !data.includes(fatal.bytes)) return 'pass'
    fatal = undefined
    return 'cut'
  }
  const networkFaultOf = (connection: ProxiedConnection): NetworkFault =>
    Object.assign(
      {},
      ...[...disturbances].map((one) => one.concerns(connection) && one.networkFault),
    )
  const changeAll = () => {
    for (const connection of connections) connection.change(networkFaultOf(connection))
  }
  const server = createServer((client) => {
    const upstream = connect({ port: Number(target.port), host: target.hostname, noDelay: true })
    const onData = (way: Way, data: Buffer) => {
      if (disturbances.size > 0) connection.change(networkFaultOf(connection)) // its label may have grown
      return watch(way, data)
    }
    const connection = new ProxiedConnection({
      ...{ client: client.setNoDelay(), server: upstream, onData },
      isPostgres: /^postgres/.test(target.protocol),
    })
    connections.add(connection)
    connection.change(networkFaultOf(connection))
    upstream.once('close', () => client.closed && connections.delete(connection))
    client.once('close', () => upstream.closed && connections.delete(connection))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: bound } = server.address() as { port: number }
  const disturb = (networkFault: NetworkFault, concerns: Concerns = everyone) => {
    const disturbance = { networkFault, concerns }
    disturbances.add(disturbance)
    changeAll()
    return () => {
      disturbances.delete(disturbance)
      changeAll()
    }
  }
  return {
    url: withPort(url, bound),
    connections: () => [...connections],
    disturb,
    freeze: (ways: readonly Way[] = ['up', 'down']) => {
      const present = new Set<unknown>(connections)
      disturb({ silent: ways }, (connection) => present.has(connection))
    },
    cut: (concerns = everyone) => {
      const meant = [...connections].filter(concerns)
      for (const connection of meant) connection.cut()
      return meant.length
    },
    cutAt: (bytes, way = 'up') => {
      fatal = { bytes, way }
      return () => fatal === undefined
    },
    close: () => {
      for (const connection of connections) connection.cut()
      server.close()
    },
  }
}

/** The same URL with another port; an AMQP URL has no parts that a URL could change. */
export const withPort = (url: string, port: number): string =>
  url.replace(/:\d+(?=\/|$)/, `:${port}`)
