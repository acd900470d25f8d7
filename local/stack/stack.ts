import { join } from 'node:path'
import { nginxProgram } from '../servers/nginx.ts'
import { chooseServers } from '../servers/servers.ts'
import { type Print, waitingLine } from '../supervisor/keep-running.ts'
import { forgetRun, killAll, killRunNow } from '../supervisor/leftovers.ts'
import { runOnce } from '../supervisor/run-once.ts'
import { stopRequest } from '../supervisor/stop-requests.ts'
import { createSupervisor, type Supervisor } from '../supervisor/supervisor.ts'
import { secondsSince } from '../supervisor/waiting.ts'
import { announceStack, writeAddresses } from './addresses.ts'
import { sayWhileWaiting } from './not-ready.ts'
import { repositoryDir } from './places.ts'
import { processPrograms, serverEnvironment } from './processes.ts'
import type { ServerUrls, Settings } from './settings.ts'

/** Starts the stack, keeps it up until a signal says stop, and leaves nothing behind. */
export async function runStack(settings: Settings, print: Print): Promise<void> {
  const { places } = settings
  const supervisor = createSupervisor(print)
  const stopped = stopRequest(() => {
    print('Second signal: killing everything')
    killRunNow(places)
    forgetRun(places.runDir)
    process.exit(130)
  })
  try {
    await Promise.race([startStack(settings, supervisor, print), stopped])
    await stopped
    print('Stopping')
  } finally {
    await supervisor.stop()
    await killAll(places)
    forgetRun(places.runDir)
  }
}

/** The servers side by side, as RabbitMQ takes longest; then what needs them. */
async function startStack(settings: Settings, supervisor: Supervisor, print: Print): Promise<void> {
  const startedAt = performance.now()
  const { postgres, epmd, broker, urls } = chooseServers(settings)
  await Promise.all([
    supervisor.start(postgres).then(() => migrate(settings, urls, print)),
    supervisor.start(epmd).then(() => supervisor.start(broker)),
  ])
  await supervisor.start(processPrograms(settings, urls))
  await supervisor.start([nginxProgram(settings)])
  writeAddresses(settings, urls)
  announceStack(settings, urls, secondsSince(startedAt), print)
}

async function migrate({ places }: Settings, urls: ServerUrls, print: Print): Promise<void> {
  const startedAt = performance.now()
  const done = new AbortController()
  const say = (what: string) => print(waitingLine({ name: 'migrations' }, startedAt, what))
  void sayWhileWaiting(say, () => 'the databases, or for migrations that others run', done.signal)
  await runOnce({
    name: 'migrations',
    command: [process.execPath, 'migrations/migrate.ts'],
    cwd: repositoryDir,
    env: { ...process.env, ...serverEnvironment(urls) },
    stateDir: places.stateDir,
    logFile: join(places.logsDir, 'migrations.log'),
  }).finally(() => done.abort())
  print(`${'migrations'.padEnd(20)} ${'done'.padEnd(8)} ${secondsSince(startedAt).padStart(7)}`)
}
