import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { deletePostgresVariables } from '#chassis/database/shell-variables.ts'
import { ensureSystemPackages } from '../install/system-packages.ts'
import { demoProviderEnvironment } from '../servers/demo-provider.ts'
import { stopOrphans } from '../supervisor/orphans.ts'
import { assertPortsFree } from './busy-ports.ts'
import { type Options, parseOptions } from './options.ts'
import { repositoryDir } from './paths.ts'
import { assertReachable } from './reachable.ts'
import { readSettings } from './settings.ts'
import { runStack } from './stack.ts'
import { lockStack } from './stack-lock.ts'
import { usage } from './usage.ts'

const print = (line: string) => console.log(line)

async function start({ scale, fromSource, auth }: Extract<Options, { kind: 'start' }>) {
  loadDotEnv()
  if (auth) Object.assign(process.env, demoProviderEnvironment(process.env))
  const unused = deletePostgresVariables(process.env)
  const settings = readSettings(process.env, { scale, fromSource, auth })
  const { ordersDatabase, paymentsDatabase } = settings.external
  if (unused.length > 0 && (ordersDatabase ?? paymentsDatabase)) {
    print(
      `Ignored: ${unused.join(', ')}. Set options in the URL of the database, such as ?sslmode=require`,
    )
  }
  await ensureSystemPackages(['rabbitmq-server', 'nginx'], print)

  using _lock = lockStack(settings.paths.runDir)
  await stopOrphans(settings.paths, print)
  await assertPortsFree(settings)
  await assertReachable(settings)
  await runStack(settings, print)
}

/** A variable of the environment takes precedence over the same one in `.env`. */
function loadDotEnv(): void {
  const file = join(repositoryDir, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
}

// A closed terminal or pipe must not prevent an orderly stop.
process.stdout.on('error', () => undefined)

try {
  const options = parseOptions(process.argv.slice(2))
  if (options.kind === 'help') print(usage)
  else await start(options)
  process.exit(0)
} catch (error) {
  console.error(`\n${(error as Error).message}`)
  process.exit(1)
}
