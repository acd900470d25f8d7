import { gatewayPortDefault, portBaseDefault, processNames, replicasMax } from './ports.ts'

/** What `npm start -- --help` prints. */
export const usage = `npm start [-- --scale NAME=N ... --auth --source]

Starts the whole stack without Docker and keeps it running until Ctrl-C.

  --scale NAME=N   runs N replicas of a process (0 to ${replicasMax}, default 1); may be repeated
                   ${processNames.join(', ')}
  --auth           starts a provider, too, where the page signs in (docs/security.md)
  --source         runs the processes from their TypeScript files, not bundled
  --help           prints this

Environment, also read from .env:

  GATEWAY_PORT           the port of the gateway (${gatewayPortDefault})
  GATEWAY_HOST           where the gateway listens (127.0.0.1)
  AUTH_MODE, JWT_…, OIDC_…
                         who may do what, and how the page signs in (docs/security.md)
  LOCAL_PORT_BASE        the first of all other ports (${portBaseDefault})
  LOCAL_DIR              where the stack keeps its data, logs and pid files (.local)
  RATE_LIMIT_PER_SECOND  requests per second and client; 0 is no limit (0)
  USER_RATE_LIMIT_PER_SECOND, WEBSOCKET…, BACKPRESSURE_…
                         further limits (docs/configuration.md)
  LOG_LEVEL              the log level of the processes (info)
  ORDERS_DATABASE_URL, PAYMENTS_DATABASE_URL, AMQP_URL
                         external servers, used instead of private ones
  RABBITMQ_MANAGEMENT_URL
                         the management API of AMQP_URL, with user and password

npm run reset removes the data. docker compose up --build runs the same stack in containers.
`
