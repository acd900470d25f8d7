import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { withFolderLock } from './folder-lock.mjs'

const otherWay = 'Or run everything in containers: docker compose up --build'

/**
 * Installs Debian packages if the user is root and apt-get exists; otherwise throws an Error with
 * the exact command to run. Starts no service of the packages. `isMissing` is called again under
 * the lock, since another command may have installed meanwhile.
 *
 * @param {string[]} names
 * @param {{ log: (line: string) => void, isMissing: (name: string) => boolean }} options
 */
export async function aptInstall(names, { log, isMissing }) {
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) throw new Error(howTo(names))
  await withFolderLock('/run/lock/orders-payments-apt', () => {
    const missing = names.filter(isMissing)
    if (missing.length === 0) return
    log(`Missing: ${missing.join(', ')}. Installing with apt-get (Debian or Ubuntu, as root).`)
    withoutServices(() => {
      aptGet(['update', '-qq'])
      aptGet(['install', '-y', '-qq', '--no-install-recommends', ...missing])
    })
    const stillMissing = missing.filter(isMissing)
    if (stillMissing.length > 0) throw new Error(howTo(stillMissing))
  })
}

/** @param {string[]} names */
function howTo(names) {
  const list = names.join(' ')
  const command =
    process.platform === 'darwin'
      ? `brew install ${list.replace('rabbitmq-server', 'rabbitmq')}`
      : `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${list}`
  return [
    `These programs are missing: ${names.join(', ')}. Install them:`,
    '',
    `  ${command}`,
    '',
    otherWay,
  ].join('\n')
}

/** @param {string[]} args */
function aptGet(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', NEEDRESTART_SUSPEND: '1' }
  const options = ['-o', 'DPkg::Lock::Timeout=300', '-o', 'Dpkg::Use-Pty=0']
  const { status, error } = spawnSync('apt-get', [...options, ...args], { env, stdio: 'inherit' })
  if (status !== 0) {
    const why = error?.message ?? `exit code ${status}`
    throw new Error(`apt-get ${args.join(' ')} failed (${why}).\n${otherWay}`)
  }
}

const policy = '/usr/sbin/policy-rc.d'

/**
 * Runs the work while a policy tells dpkg not to start services. Ctrl-C ends apt-get, not this
 * process, so that the policy is always removed.
 *
 * @param {() => void} work
 */
function withoutServices(work) {
  const isOurs = !existsSync(policy)
  const stay = () => undefined
  process.on('SIGINT', stay)
  process.on('SIGTERM', stay)
  try {
    if (isOurs) writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
    work()
  } finally {
    if (isOurs) rmSync(policy, { force: true })
    process.off('SIGINT', stay)
    process.off('SIGTERM', stay)
  }
}
