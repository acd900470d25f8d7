import { type Mutant, test } from './mutant.ts'

/** What each role may do, in PostgreSQL and RabbitMQ. */
export const rolesMutants: readonly Mutant[] = [
  {
    name: 'rights-are-never-taken-away',
    why: 'what was granted once, to a role or to everybody, opens the ledger for good',
    at: 'roles/database.ts',
    sql: 'REVOKE ALL ON ALL TABLES IN',
    put: 'REVOKE TRIGGER ON ALL TABLES IN',
    caughtBy: test('migrations/roles.integration.test.ts', 'are right in '),
  },
  {
    name: 'ownerless-virtual-host-is-used',
    why: 'a relay that may not name the owner publishes to a virtual host that another one gets',
    at: 'messaging/broker/topology.ts declare',
    find: 'lacksDefaultExchange($error as Error)',
    put: 'false',
    caughtBy: test(
      'messaging/broker/installation.integration.test.ts',
      'that nobody owns yet has no relay',
    ),
  },
  {
    name: 'users-are-gone-with-the-disk',
    why: 'a broker without its users lets no process in again',
    at: 'local/servers/rabbitmq-settings.ts rabbitmqFiles',
    sql: 'load_definitions = ',
    put: 'default_user = admin\n# ',
    caughtBy: test(
      'local/servers/servers.integration.test.ts',
      'have their passwords and permissions again',
    ),
  },
]
