import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Passage, type Way, type Weather } from './passage.ts'

/** A way to a server that can fail in every way in which a network does. */
export interface Proxy {
  url: string
  /** The connections that are open now, oldest first. */
  passages: () => Passage[]
  /** From now on its present connections pass nothing on and end nothing; later ones live. */
  freeze: (ways?: readonly Way[]) => void
  /**
   * All connections of which `concerns` holds, present and to come, until the returned function.
   */
  disturb: (weather: Weather, concerns?: Concerns) => () => void
  /** Resets the present connections; says how many. */
  cut: (concerns?: Concerns) => number
  /** The next connection on which these bytes travel is cut instead; says whether one was. */
  cutAt: (bytes: Buffer, way?: Way) => () => boolean
  close: () => void
}

/** Tells by what the client said first whether a connection is meant. */
export type Concerns = (passage: Pick<Passage, 'label'>) => boolean

const everyone: Concerns = () => true

/** Passes the connections of a port (any free one, unless told) on to the server of a URL. */
export async function proxyTo(url: string, port = 0): Promise<Proxy> {
  const target = new URL(url)
  const passages = new Set<Passage>()
  const disturbances = new Set<{ weather: Weather; concerns: Concerns }>()
  let fatal: { bytes: Buffer; way: Way } | undefined
  const watch = (way: Way, data: Buffer) => {
    if (fatal?.way !== way || !data.includes(fatal.bytes)) return 'pass'
    fatal = undefined
    return 'cut'
  }
  const weatherOf = (passage: Passage): Weather =>
    Object.assign({}, ...[...disturbances].map((one) => one.concerns(passage) && one.weather))
  const changeAll = () => {
    for (const passage of passages) passage.change(weatherOf(passage))
  }
  const server = createServer((client) => {
    const upstream = connect({ port: Number(target.port), host: target.hostname, noDelay: true })
    const onData = (way: Way, data: Buffer) => {
      if (disturbances.size > 0) passage.change(weatherOf(passage)) // its label may have grown
      return watch(way, data)
    }
    const passage = new Passage({
      ...{ client: client.setNoDelay(), server: upstream, onData },
      isPostgres: /^postgres/.test(target.protocol),
    })
    passages.add(passage)
    passage.change(weatherOf(passage))
    upstream.once('close', () => client.closed && passages.delete(passage))
    client.once('close', () => upstream.closed && passages.delete(passage))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: bound } = server.address() as { port: number }
  const disturb = (weather: Weather, concerns: Concerns = everyone) => {
    const disturbance = { weather, concerns }
    disturbances.add(disturbance)
    changeAll()
    return () => {
      disturbances.delete(disturbance)
      changeAll()
    }
  }
  return {
    url: withPort(url, bound),
    passages: () => [...passages],
    disturb,
    freeze: (ways: readonly Way[] = ['up', 'down']) => {
      const present = new Set<unknown>(passages)
      disturb({ silent: ways }, (passage) => present.has(passage))
    },
    cut: (concerns = everyone) => {
      const meant = [...passages].filter(concerns)
      for (const passage of meant) passage.cut()
      return meant.length
    },
    cutAt: (bytes, way = 'up') => {
      fatal = { bytes, way }
      return () => fatal === undefined
    },
    close: () => {
      for (const passage of passages) passage.cut()
      server.close()
    },
  }
}

/** The same URL with another port; an AMQP URL has no parts that a URL could change. */
export const withPort = (url: string, port: number): string =>
  url.replace(/:\d+(?=\/|$)/, `:${port}`)
