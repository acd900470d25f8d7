// An OpenID provider for a look at the page with AUTH_MODE=jwt, and for tests: `npm start -- --auth`.
// It asks for no password, and is never part of production.
import { readConfig } from '#chassis/config.ts'
import { createProvider } from './provider.ts'
import { readSecrets } from './secrets.ts'
import { variables } from './variables.ts'

try {
  const config = readConfig(process.env, variables)
  const provider = createProvider(config, readSecrets(config.dir))
  const server = provider.listen(config.port, config.host)
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      server.close()
      server.closeAllConnections()
    })
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 78
}
