import { join } from 'node:path'
import { passwordEnvironment } from '#roles/login.ts'
import { demoProviderProgram } from '../servers/demo-provider.ts'
import { nginxProgram } from '../servers/nginx.ts'
import { maxConnections } from '../servers/postgres.ts'
import { chooseServers, type Servers } from '../servers/servers.ts'
import { storedPasswords } from '../servers/stored-secret.ts'
import { reportWhileWaiting } from '../supervisor/not-ready.ts'
import { killAll, killAllNow, removeRunFiles } from '../supervisor/orphans.ts'
import { runTask } from '../supervisor/run-task.ts'
import { stopRequest } from '../supervisor/stop-requests.ts'
import { type Print, statusLine, waitingLine } from '../supervisor/supervise.ts'
import { createSupervisor, type Supervisor } from '../supervisor/supervisor.ts'
import { secondsSince } from '../supervisor/waiting.ts'
import { announceStack, writeAddresses } from './addresses.ts'
import { connectionWarning } from './connections.ts'
import { repositoryDir } from './paths.ts'
import { bundleProcesses, processPrograms, serverEnvironment } from './processes.ts'
import type { Settings } from './settings.ts'

/** Starts the stack, keeps it running until a signal, and leaves no process. */
export async function runStack(settings: Settings, print: Print): Promise<void> {
  const { paths } = settings
  const supervisor = createSupervisor(print)
  const stopped = stopRequest(() => {
    print('Second signal: killing all processes')
    killAllNow(paths)
    removeRunFiles(paths.runDir)
    process.exit(130)
  })
  try {
    await Promise.race([startStack(settings, supervisor, print), stopped])
    await stopped
    print('Stopping')
  } finally {
    await supervisor.stop()
    await killAll(paths)
    removeRunFiles(paths.runDir)
  }
}

/** Starts the servers side by side, since RabbitMQ takes longest; then the processes. */
async function startStack(settings: Settings, supervisor: Supervisor, print: Print): Promise<void> {
  const startedAt = performance.now()
  const servers = chooseServers(settings)
  const { postgres, epmd, broker, urls, urlsOf } = servers
  const warning = postgres.length > 0 && connectionWarning(settings.scale, maxConnections)
  if (warning) print(warning)
  await Promise.all([
    settings.fromSource || bundleProcesses(),
    supervisor.start(postgres).then(() => migrate(settings, servers, print)),
    supervisor.start(epmd).then(() => supervisor.start(broker)),
  ])
  if (settings.auth) await supervisor.start([demoProviderProgram(settings)])
  await supervisor.start(processPrograms(settings, urlsOf))
  await supervisor.start([nginxProgram(settings)])
  writeAddresses(settings, servers)
  announceStack(settings, urls, secondsSince(startedAt), print)
}

async function migrate(
  { paths }: Settings,
  { urls, haveRoles }: Servers,
  print: Print,
): Promise<void> {
  const startedAt = performance.now()
  const done = new AbortController()
  const report = (reason: string) => print(waitingLine({ name: 'migrations' }, startedAt, reason))
  const reason = () => 'the databases, or for migrations that run elsewhere'
  void reportWhileWaiting(report, reason, done.signal)
  await runTask({
    name: 'migrations',
    command: [process.execPath, 'migrations/migrate.ts', ...(haveRoles ? ['--with-roles'] : [])],
    cwd: repositoryDir,
    env: {
      ...process.env,
      ...serverEnvironment(urls),
      ...(haveRoles && passwordEnvironment(storedPasswords(paths.stateDir))),
    },
    stateDir: paths.stateDir,
    logFile: join(paths.logsDir, 'migrations.log'),
  }).finally(() => done.abort())
  print(statusLine({ name: 'migrations', address: '' }, 'done', startedAt))
}
