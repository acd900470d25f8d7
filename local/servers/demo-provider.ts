import { join } from 'node:path'
import { repositoryDir } from '../stack/paths.ts'
import { gatewayPortDefault, portBaseDefault, portsFrom } from '../stack/ports.ts'
import type { Settings } from '../stack/settings.ts'
import { answersOk } from '../supervisor/probe.ts'
import type { Program } from '../supervisor/program.ts'

/** `npm start -- --auth`: what the APIs, the page and the provider have to know of each other. */
export function demoProviderEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { provider } = portsFrom(Number(env.LOCAL_PORT_BASE || portBaseDefault))
  const issuer = `http://localhost:${provider}`
  return {
    AUTH_MODE: 'jwt',
    JWT_ISSUER: issuer,
    JWT_JWKS_URL: `${issuer}/jwks`,
    JWT_PUBLIC_KEY: '',
    JWT_AUDIENCE: 'orders-payments',
    OIDC_CLIENT_ID: 'shop-page',
    OIDC_RESOURCE: 'urn:orders-payments',
    GATEWAY_PORT: env.GATEWAY_PORT || String(gatewayPortDefault),
  }
}

/** The program of the provider; the environment is that of `demoProviderEnvironment`. */
export function demoProviderProgram({ paths, ports }: Settings): Program {
  const address = `localhost:${ports.provider}`
  return {
    name: 'demo-provider',
    address,
    command: [process.execPath, 'demo-provider/main.ts'],
    cwd: repositoryDir,
    env: {
      ...process.env,
      HOST: '127.0.0.1',
      PORT: String(ports.provider),
      DEMO_PROVIDER_DIR: join(paths.stateDir, 'demo-provider'),
    },
    stateDir: paths.stateDir,
    pidFile: join(paths.runDir, 'demo-provider.pid'),
    logFile: join(paths.logsDir, 'demo-provider.log'),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 5_000,
    deathSignal: 'KILL',
    isReady: () => answersOk(`http://${address}/.well-known/openid-configuration`),
  }
}
