import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { processNames } from '#local/stack/ports.ts'
import { freePorts } from '#testing/free-ports.ts'

export interface Container {
  Name: string
  Service: string
  State: string
  ExitCode: number
  Publishers: { PublishedPort: number; TargetPort: number; URL: string }[] | null
}

/**
 * The whole system in containers, built from this folder, with a name, ports and volumes of its
 * own.
 */
export interface Project extends AsyncDisposable {
  gatewayPort: number
  gateway: string
  managementPort: number
  /** Runs `docker compose` on this project, and returns what it printed. */
  compose: (...args: string[]) => Promise<string>
  docker: (...args: string[]) => Promise<string>
  containers: () => Promise<Container[]>
  /**
   * Builds and starts everything, and waits until it is healthy; says what went wrong when it is
   * not.
   */
  up: (replicas: number) => Promise<void>
}

export interface ProjectOptions {
  /** Compose files beside the one that users start. */
  extraFiles?: string[]
  env?: Record<string, string>
}

const repositoryDir = resolve(import.meta.dirname, '../..')

/** Throws when there is no Docker engine. Nothing runs until `up`; disposing removes all of it. */
export async function openProject({
  extraFiles = [],
  env = {},
}: ProjectOptions = {}): Promise<Project> {
  const [gatewayPort, managementPort] = (await freePorts(2)) as [number, number]
  const name = `orders-payments-test-${process.pid}-${gatewayPort}`
  const files = ['docker-compose.yml', ...extraFiles].flatMap((file) => ['--file', file])
  const ports = { GATEWAY_PORT: String(gatewayPort), RABBITMQ_UI_PORT: String(managementPort) }
  const settings = { ...ports, RATE_LIMIT_PER_SECOND: '0', AUTH_MODE: 'off', ...env }
  const docker = (...args: string[]) => runDocker(args, settings)
  const compose = (...args: string[]) =>
    docker('compose', '--project-name', name, ...files, ...args)
  await requireDocker(docker)
  return {
    ...{ gatewayPort, managementPort, compose, docker },
    gateway: `http://127.0.0.1:${gatewayPort}`,
    containers: async () =>
      lines(await compose('ps', '--all', '--format', 'json')).map((line) => JSON.parse(line)),
    up: (replicas) => up(compose, replicas),
    [Symbol.asyncDispose]: async () => {
      const all = ['--profile', '*']
      await compose(...all, 'down', '--volumes', '--remove-orphans', '--timeout', '15')
      const images = ['processes', 'frontend', 'demo-provider', 'database'].map(
        (image) => `${name}-${image}`,
      )
      await docker('image', 'rm', '--force', ...images)
    },
  }
}

async function up(compose: Project['compose'], replicas: number): Promise<void> {
  const scale = processNames.flatMap((name) => ['--scale', `${name}=${replicas}`])
  try {
    await compose('up', '--build', '--detach', '--wait', '--wait-timeout', '600', ...scale)
  } catch (error) {
    console.error(await compose('logs', '--no-color', '--tail', '20'))
    throw error
  }
}

async function runDocker(args: string[], settings: Record<string, string>): Promise<string> {
  const { stdout } = await promisify(execFile)('docker', args, {
    cwd: repositoryDir,
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...settings },
  })
  return stdout.trim()
}

async function requireDocker(docker: Project['docker']): Promise<void> {
  try {
    await docker('version', '--format', '{{.Server.Version}}')
    await docker('compose', 'version')
  } catch (error) {
    throw new Error(
      'This test needs a running Docker engine with the compose plugin 2.20 or newer ' +
        '(https://docs.docker.com/engine/install/), and the right to use it',
      { cause: error },
    )
  }
}

export const lines = (text: string): string[] => text.split('\n').filter((line) => line !== '')
