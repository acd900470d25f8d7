import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

interface Service {
  image?: string
  user?: string
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
  mem_limit?: string
  pids_limit?: number
  networks?: string[]
  ports?: string[]
  volumes?: string[]
  healthcheck?: { test?: string[]; disable?: boolean }
  restart?: string
  logging?: { options?: Record<string, string> }
}

const read = (path: string) =>
  parse(readFileSync(path, 'utf8'), { merge: true, logLevel: 'silent' }) // it has tags of compose
const compose = read('docker-compose.yml')
const cluster = read('docker-compose.cluster.yml')
const services = Object.entries(compose.services as Record<string, Service>)
const ofCluster = Object.entries(cluster.services as Record<string, Service>).filter(
  ([name, { image }]) => image && !(name in compose.services),
)

/** Read without an engine; tests/compose looks into the running containers. */
describe('each container of docker-compose.yml, and each that the cluster adds,', () => {
  const rules: [string, (service: Service, name: string) => boolean | undefined][] = [
    [
      'runs as a user that is not root',
      ({ user }, name) => !/^(?:0|root)\b/.test(user ?? 'root') || hasOwnUser(name),
    ],
    ['cannot change its file system', ({ read_only }) => read_only],
    ['has no capabilities', ({ cap_drop }) => cap_drop?.includes('ALL')],
    ['gains no privileges', ({ security_opt }) => security_opt?.includes('no-new-privileges:true')],
    ['has a limit of memory', ({ mem_limit }) => /^\d+[mg]$/.test(mem_limit ?? '')],
    ['has a limit of processes', ({ pids_limit = 0 }) => pids_limit > 0],
    ['keeps its logs small', ({ logging }) => logging?.options?.['max-size'] !== undefined],
    ['is in networks that are named', ({ networks = [] }) => networks.length > 0],
    [
      'has an image of a version',
      ({ image = '' }) => !/:latest$/.test(image) && /[:$]/.test(image),
    ],
    ['does not reach the engine', ({ volumes = [] }) => !volumes.join().includes('docker.sock')],
    [
      'publishes ports on this machine only',
      ({ ports = [] }) =>
        ports.every((port) => /^(?:127\.0\.0\.1|\$\{GATEWAY_HOST:-127\.0\.0\.1\}):/.test(port)),
    ],
    ['is checked without a Node process', ({ healthcheck }) => healthcheck?.test?.[1] !== 'node'],
  ]
  for (const [rule, holds] of rules) {
    it(rule, () => {
      const broken = [...services, ...ofCluster].filter(([name, one]) => !holds(one, name))
      assert.deepEqual(
        broken.map(([name]) => name),
        [],
      )
    })
  }

  it('is in a network with a way out only if it publishes a port', () => {
    const isInternal = (name: string) => compose.networks[name]?.internal === true
    const withWayOut = services
      .filter(([, { networks = [] }]) => !networks.every(isInternal))
      .map(([name]) => name)
    const publishing = services.filter(([, { ports }]) => ports).map(([name]) => name)
    assert.deepEqual(withWayOut.sort(), publishing.sort())
  })
})

/** Images that name a user of their own, as their documentation says. */
const hasOwnUser = (name: string) =>
  ['prometheus', 'alertmanager', 'grafana', 'postgres-exporter'].includes(name)
