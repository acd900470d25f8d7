import type { HttpMetrics } from '#chassis/http/metrics.ts'
import { durationSeconds } from './buckets.ts'
import type { Metrics } from './metrics.ts'

/** Every other method is a value that a client has made up. */
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Measures the responses of an API. */
export function measureResponses(metrics: Metrics): Required<Pick<HttpMetrics, 'responded'>> {
  const duration = metrics.histogram(
    {
      name: 'http_server_request_duration_seconds',
      help: 'From a request to its response, by route template and status.',
      labels: ['http_request_method', 'http_route', 'http_response_status_code'],
    },
    durationSeconds,
  )
  return {
    responded: ({ method, route = '', status, ms }) => {
      const labels = {
        http_request_method: methods.has(method) ? method : '_OTHER',
        http_route: route,
        http_response_status_code: String(status),
      }
      duration.observe(labels, ms / 1_000)
    },
  }
}
