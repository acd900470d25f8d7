import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { forgetPostgresVariables } from '#chassis/database/shell-variables.ts'
import { ensureSystemPackages } from '../install/system-packages.ts'
import { stopLeftovers } from '../supervisor/leftovers.ts'
import { refuseBusyPorts } from './busy-ports.ts'
import { type Options, parseOptions } from './options.ts'
import { repositoryDir } from './places.ts'
import { refuseUnreachable } from './reachable.ts'
import { readSettings } from './settings.ts'
import { runStack } from './stack.ts'
import { lockStack } from './stack-lock.ts'
import { usage } from './usage.ts'

const print = (line: string) => console.log(line)

async function start({ scale }: Extract<Options, { kind: 'start' }>): Promise<void> {
  loadDotEnv()
  const unused = forgetPostgresVariables(process.env)
  const settings = readSettings(process.env, scale)
  const { ordersDatabase, paymentsDatabase } = settings.given
  if (unused.length > 0 && (ordersDatabase ?? paymentsDatabase)) {
    print(
      `Not used: ${unused.join(', ')}; the URL of a database says all, such as ?sslmode=require`,
    )
  }
  await ensureSystemPackages(['rabbitmq-server', 'nginx'], print)

  using _lock = lockStack(settings.places.runDir)
  await stopLeftovers(settings.places, print)
  await refuseBusyPorts(settings)
  await refuseUnreachable(settings)
  await runStack(settings, print)
}

/** What the environment already says wins over the file. */
function loadDotEnv(): void {
  const file = join(repositoryDir, '.env')
  if (existsSync(file)) process.loadEnvFile(file)
}

// A closed terminal or pipe must not keep the stack from being stopped in order.
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
