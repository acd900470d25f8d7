import { asyncApi } from './asyncapi.ts'
import { eventsPage } from './events-page.ts'
import { openApiOf } from './openapi.ts'
import { ordersApi } from './orders.ts'
import { paymentsApi } from './payments.ts'

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Every document that is made from the schemas: its path in the repository, and its text. */
export const documentFiles = (): Record<string, string> => ({
  'docs/openapi/orders.json': json(openApiOf(ordersApi)),
  'docs/openapi/payments.json': json(openApiOf(paymentsApi)),
  'docs/asyncapi.json': json(asyncApi()),
  'frontend/docs/events.html': eventsPage(asyncApi()),
})
