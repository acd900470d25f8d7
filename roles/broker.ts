import { type Login, type RoleName, roleNames, roles } from './table.ts'

/** The roles that have a user in RabbitMQ. */
export const brokerRoles = roleNames.filter((name) => roles[name].broker !== undefined)

/** The regular expression that RabbitMQ takes for exactly these names. */
export const expression = (names: readonly string[]): string =>
  names.length === 0 ? '^$' : `^(${names.map((name) => name.replaceAll('.', '\\.')).join('|')})$`

/** The permissions of a role, as RabbitMQ takes them. */
export function permissionsOf(role: RoleName) {
  const { configure, write, read } = roles[role].broker ?? { configure: [], write: [], read: [] }
  return { configure: expression(configure), write: expression(write), read: expression(read) }
}

/**
 * The definitions that RabbitMQ reads at each start, so that a broker with a new disk has its users
 * again: an administrator, and each role with its permissions.
 */
export function brokerDefinitions(
  administrator: { name: string; password: string },
  passwordOf: (login: Login) => string,
): object {
  const vhost = '/'
  const everything = { configure: '.*', write: '.*', read: '.*' }
  return {
    vhosts: [{ name: vhost }],
    users: [
      { ...administrator, tags: ['administrator'] },
      ...brokerRoles.map((name) => ({ name, password: passwordOf(name), tags: [] })),
    ],
    permissions: [
      { user: administrator.name, vhost, ...everything },
      ...brokerRoles.map((user) => ({ user, vhost, ...permissionsOf(user) })),
    ],
  }
}

/** Shell commands for whoever administers a broker; each `add_user` asks for the password. */
export const brokerCommands = (vhost: string): string[] =>
  brokerRoles.flatMap((name) => {
    const { configure, write, read } = permissionsOf(name)
    const rights = [configure, write, read].map((one) => `'${one}'`).join(' ')
    return [
      `rabbitmqctl add_user ${name}`,
      `rabbitmqctl set_permissions -p '${vhost}' ${name} ${rights}`,
    ]
  })
