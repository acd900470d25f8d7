import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { postgresServer, rabbitmqServer } from './servers.ts'

/** Runs leaky.ts in another mocha on the servers of this run, and kills what it leaves. */
async function runLeaking(leak: string) {
  const { address, managementUrl } = await rabbitmqServer()
  const mocha = spawn(
    process.execPath,
    [
      'node_modules/mocha/bin/mocha.js',
      '--exit',
      '--no-config',
      ...options,
      'tests/support/leaky.ts',
    ],
    {
      env: {
        ...process.env,
        LEAK: leak,
        TEST_POSTGRES_URL: (await postgresServer()).url('postgres'),
        TEST_RABBITMQ_MANAGEMENT_URL: managementUrl,
        TEST_AMQP_ADDRESS: address,
      },
      detached: true, // so that its process group can be killed
    },
  )
  const ended = once(mocha, 'exit')
  const said = await text(mocha.stdout)
  const [code] = await ended
  try {
    process.kill(-Number(mocha.pid), 'SIGKILL')
  } catch {
    // the group has no process any more
  }
  return { code, said }
}
const options = ['--require', './tests/support/hooks.ts', '--timeout', '30000'] // longer than a leak is waited for

const leaks = {
  nothing: undefined,
  database: /Left open in the database/,
  broker: /Left open at the broker/,
  process: /Left running: sleep/,
  rejection: /nobody hears this/,
}

describe('the leak check', () => {
  const runs = new Map<string, Awaited<ReturnType<typeof runLeaking>>>()

  before('run a file with each leak', async function () {
    this.timeout(120_000)
    await Promise.all(
      Object.keys(leaks).map(async (leak) => runs.set(leak, await runLeaking(leak))),
    )
  })

  for (const [leak, complaint] of Object.entries(leaks)) {
    it(`${complaint ? 'fails' : 'passes'} a file that leaves behind: ${leak}`, () => {
      const { code, said } = runs.get(leak) ?? { code: undefined, said: '' }
      if (complaint) assert.match(said, complaint)
      assert.equal(code === 0, complaint === undefined, said)
    })
  }
})
