import { readConfig } from '#chassis/config.ts'
import type { Logger } from '#chassis/logger.ts'
import { tracingVariables } from './variables.ts'

/**
 * What traces a process, if there is somewhere to send spans to; otherwise nothing of OpenTelemetry
 * is loaded. Rejects with an Error that lists every wrong variable.
 */
export async function loadTracing(env: NodeJS.ProcessEnv) {
  const hasEndpoint = env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
  if (!hasEndpoint?.trim() || env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return undefined
  const config = readConfig(env, tracingVariables)
  const { openTracing, logFields } = await import('./open-telemetry.ts')
  return { logFields, open: (name: string, logger: Logger) => openTracing(name, config, logger) }
}
