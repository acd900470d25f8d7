import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { processNames } from '#local/stack/ports.ts'
import { useDatabase } from '#testing/database.ts'
import { eventually } from '#testing/eventually.ts'
import { OtlpReceiver } from '#testing/otlp-receiver.ts'
import { useResources } from '#testing/resources.ts'

describe('a process', function () {
  this.timeout(120_000)
  const orders = useDatabase('orders')
  const payments = useDatabase('payments')
  const use = useResources()

  /** Starts a process, without a broker, and waits until it listens. */
  async function start(name: string, env: NodeJS.ProcessEnv = {}) {
    const child = spawn(
      process.execPath,
      ['--import', './tests/support/loaded-modules.ts', `${name}/main.ts`],
      {
        env: {
          PATH: process.env.PATH,
          PORT: '0',
          ORDERS_DATABASE_URL: orders.url,
          PAYMENTS_DATABASE_URL: payments.url,
          AMQP_URL: 'amqp://127.0.0.1:9',
          ...env,
        },
      },
    )
    use({ close: () => child.kill('SIGKILL') })
    let output = ''
    let loaded = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
    })
    child.stderr.on('data', (chunk) => {
      loaded += chunk
    })
    const exited = once(child, 'exit')
    const port = await eventually(() => /"port":(\d+)/.exec(output)?.[1])
    return {
      origin: `http://127.0.0.1:${port}`,
      loaded: () => loaded.split('\n'),
      stop: async () => {
        child.kill('SIGTERM')
        return exited
      },
    }
  }
  const ofOpenTelemetry = (modules: string[]) =>
    modules.filter((url) => /opentelemetry\/(?!api\/)|open-telemetry/.test(url))

  for (const name of processNames) {
    it(`${name} loads nothing of OpenTelemetry without an endpoint`, () => assertUntraced(name))
  }

  it('loads nothing of OpenTelemetry where that is disabled, or the endpoint is empty', async () => {
    await assertUntraced('payments-api', { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' })
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }
    await assertUntraced('payments-api', { ...endpoint, OTEL_SDK_DISABLED: 'True' })
  })

  async function assertUntraced(name: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
    const { loaded, stop } = await start(name, env)
    assert.deepEqual(await stop(), [0, null])
    assert.ok(loaded().some((url) => url.endsWith('/tracing/load.ts')))
    assert.deepEqual(ofOpenTelemetry(loaded()), [])
  }

  it('sends its last spans when it stops', async () => {
    const receiver = use(await OtlpReceiver.open())
    const { origin, loaded, stop } = await start('payments-api', {
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${receiver.endpoint}/v1/traces`,
      OTEL_BSP_SCHEDULE_DELAY: '600000',
      OTEL_SERVICE_NAME: 'own-name',
    })
    assert.equal((await fetch(`${origin}/accounts/nobody`)).status, 404)
    assert.deepEqual(receiver.spans, [])
    assert.deepEqual(await stop(), [0, null])
    assert.deepEqual(
      receiver.spans.map(({ name, service }) => [name, service]),
      [['GET /accounts/{user_id}', 'own-name']],
    )
    assert.ok(ofOpenTelemetry(loaded()).length > 10)
  })

  it('stops in time while the collector does not answer', async () => {
    const receiver = use(await OtlpReceiver.open())
    receiver.mood = 'silent'
    const endpoint = receiver.endpoint
    const { origin, stop } = await start('payments-api', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint })
    await fetch(`${origin}/accounts/nobody`)
    assert.deepEqual(await stop(), [0, null])
    assert.equal(receiver.contentTypes.length, 1, 'the collector was asked')
  })

  it('refuses variables that OpenTelemetry would ignore, all at once, but only if it is traced', async () => {
    const wrong = {
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_TRACES_SAMPLER: 'some',
      OTEL_TRACES_SAMPLER_ARG: '2',
    }
    const { stop } = await start('payments-api', wrong)
    assert.deepEqual(await stop(), [0, null])
    const env = { ...process.env, ...wrong, OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317' }
    const child = spawn(process.execPath, ['payments-api/main.ts'], {
      env: { ...env, PAYMENTS_DATABASE_URL: payments.url },
    })
    let text = ''
    child.stderr.on('data', (chunk) => {
      text += chunk
    })
    assert.deepEqual(await once(child, 'close'), [78, null])
    assert.deepEqual(text.trim().split('\n  '), [
      'Cannot start:',
      'OTEL_EXPORTER_OTLP_ENDPOINT must be a URL that starts with http:// or https://',
      'OTEL_TRACES_SAMPLER must be one of always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off, parentbased_traceidratio, got "some"',
      'OTEL_TRACES_SAMPLER_ARG must be a number from 0 to 1, got "2"',
      'OTEL_EXPORTER_OTLP_PROTOCOL must be one of http/protobuf, got "grpc"',
    ])
  })
})
