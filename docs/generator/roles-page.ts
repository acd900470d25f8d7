import { brokerDefinitions } from '#roles/broker.ts'
import { privileges } from '#roles/database.ts'
import { passwordVariable } from '#roles/login.ts'
import { owner, type RoleName, rightsOf, roleNames, roles, type Service } from '#roles/table.ts'

const code = (text: string) => `\`${text}\``
const list = (names: readonly string[]) => names.map(code).join(', ') || 'nothing'

const inDatabase = (role: RoleName, service: Service): string[] => {
  const rights = rightsOf(role, service)
  if (rights.length === 0) return []
  const lines = rights.map(([table, some]) => `  - ${code(table)}: ${privileges(some)}`)
  return [`- ${code(`${service}_db`)}`, ...lines]
}

const atBroker = (role: RoleName): string[] => {
  const { broker } = roles[role]
  if (!broker) return []
  const { configure, write, read } = broker
  return [
    '- RabbitMQ',
    ...atBrokerMay('configure', configure),
    ...atBrokerMay('write', write),
    ...atBrokerMay('read', read),
  ]
}

/** In one line if they are few. */
const atBrokerMay = (what: string, names: readonly string[]): string[] =>
  names.length <= 5
    ? [`  - ${what}: ${list(names)}`]
    : [`  - ${what}:`, ...names.map((name) => `    - ${code(name)}`)]

const section = (role: RoleName): string =>
  [
    `## ${role}`,
    '',
    `It ${roles[role].summary}.`,
    '',
    ...inDatabase(role, 'orders'),
    ...inDatabase(role, 'payments'),
    ...atBroker(role),
  ].join('\n')

/** Who may do what, for people. */
export const rolesPage = (): string => `# Roles

Made from \`roles/table.ts\` by \`npm run documents\`. A name is a role in PostgreSQL, and a user in RabbitMQ where it
says so. What is not here, the role may not do ([decision 23](../decisions/0023-roles.md)). The role \`${owner}\` owns
the schemas of both databases, and is used by the migrations alone.

${roleNames.map(section).join('\n\n')}
`

const variable = (name: string) => `\${${name}}`

/** For docker-compose.yml: the variables are filled in when RabbitMQ starts. */
export const composeDefinitions = (): object =>
  brokerDefinitions({ name: 'admin', password: variable('RABBITMQ_PASSWORD') }, (login) =>
    variable(passwordVariable(login)),
  )
