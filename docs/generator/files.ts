import { dashboard } from '#observability/dashboard.ts'
import { asyncApi } from './asyncapi.ts'
import { eventsPage } from './events-page.ts'
import { licencesPage } from './licences-page.ts'
import { openApiOf } from './openapi.ts'
import { ordersApi } from './orders.ts'
import { paymentsApi } from './payments.ts'
import { postmanCollection } from './postman.ts'
import { requestsFile } from './requests.ts'
import { composeDefinitions, rolesPage } from './roles-page.ts'
import { stepsOf } from './steps.ts'
import { tablesPage } from './tables-page.ts'

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`

/** Every document that is made from the schemas: its path in the repository, and its text. */
export function documentFiles(): Record<string, string> {
  const orders = openApiOf(ordersApi)
  const payments = openApiOf(paymentsApi)
  const events = asyncApi()
  const steps = stepsOf([orders, payments])
  return {
    'docs/generated/openapi/orders.json': json(orders),
    'docs/generated/openapi/payments.json': json(payments),
    'docs/generated/asyncapi.json': json(events),
    'docs/generated/requests.http': requestsFile(steps),
    'docs/generated/postman.json': json(postmanCollection(steps)),
    'docs/generated/events.html': eventsPage(events),
    'docs/generated/tables.md': tablesPage(),
    'docs/generated/roles.md': rolesPage(),
    'docs/generated/licences.md': licencesPage(),
    'roles/rabbitmq-definitions.json.template': json(composeDefinitions()),
    'observability/grafana/dashboards/orders-payments.json': json(dashboard()),
  }
}
