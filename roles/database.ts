import { logins, owner, rightsOf, rolesIn, type Service, type TableRights } from './table.ts'

/** A database, and in it the schema that belongs to a service alone. */
export interface Place {
  service: Service
  database: string
  schema: string
}

/**
 * Statements for an administrator: create the roles that are missing, let those of the service into
 * its database and nobody else, and give the schema with all that is in it to its owner. Run again,
 * they repair what was changed.
 */
export function creationSql({ service, database, schema }: Place): string[] {
  const all = logins.map(identifier).join(', ')
  const own = [...rolesIn(service), owner].map(identifier).join(', ')
  const [inDatabase, inSchema] = [
    `DATABASE ${identifier(database)}`,
    `SCHEMA ${identifier(schema)}`,
  ]
  return [
    executeEach(missingRoles()),
    executeEach(excessAttributes()),
    executeEach(memberships()),
    `REVOKE CREATE, TEMPORARY ON ${inDatabase} FROM PUBLIC, ${all}`,
    `REVOKE CONNECT ON ${inDatabase} FROM PUBLIC`,
    `GRANT CONNECT ON ${inDatabase} TO ${own}`,
    `ALTER ${inSchema} OWNER TO ${identifier(owner)}`,
    `REVOKE ALL ON ${inSchema} FROM ${all}`,
    `REVOKE CREATE ON ${inSchema} FROM PUBLIC`,
    `GRANT ALL ON ${inSchema} TO ${identifier(owner)}`,
    executeEach(foreignObjects(schema)),
  ]
}

/** Statements for the owner, in one transaction: exactly the rights that the table gives. */
export function grantSql(service: Service, schema: string): string[] {
  const all = logins
    .filter((name) => name !== owner)
    .map(identifier)
    .join(', ')
  const own = rolesIn(service).map(identifier).join(', ')
  const inSchema = `SCHEMA ${identifier(schema)}`
  return [
    `REVOKE ALL ON ALL TABLES IN ${inSchema} FROM PUBLIC, ${all}`,
    `REVOKE ALL ON ALL SEQUENCES IN ${inSchema} FROM PUBLIC, ${all}`,
    `GRANT USAGE ON ${inSchema} TO ${own}`,
    ...rolesIn(service).flatMap((role) =>
      rightsOf(role, service).map(
        ([table, rights]) =>
          `GRANT ${privileges(rights)} ON ${identifier(schema)}.${identifier(table)} TO ${identifier(role)}`,
      ),
    ),
  ]
}

/** `SELECT, UPDATE (published_at, last_error)`. */
export const privileges = (rights: TableRights): string =>
  Object.entries(rights)
    .map(([right, columns]) => {
      const some = columns === 'all' ? '' : ` (${columns.map(identifier).join(', ')})`
      return right.toUpperCase() + some
    })
    .join(', ')

export const identifier = (name: string): string =>
  /^[a-z_]+$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Executes each statement that a query makes. */
const executeEach = (query: string): string => `DO $roles$
DECLARE statement text;
BEGIN
  FOR statement IN
    ${query}
  LOOP EXECUTE statement; END LOOP;
END $roles$`

const loginList = logins.map(literal).join(', ')

const missingRoles = () => `SELECT format('CREATE ROLE %I LOGIN', name)
    FROM unnest(ARRAY[${loginList}]) AS name
    WHERE name NOT IN (SELECT rolname FROM pg_roles)`

const excessAttributes = () =>
  `SELECT format('ALTER ROLE %I NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', rolname)
    FROM pg_roles WHERE rolname IN (${loginList})
      AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)`

const memberships = () =>
  `SELECT format('REVOKE %I FROM %I GRANTED BY %I CASCADE', role.rolname, member.rolname, grantor.rolname)
    FROM pg_auth_members AS membership
    JOIN pg_roles AS role ON role.oid = roleid
    JOIN pg_roles AS member ON member.oid = membership.member
    JOIN pg_roles AS grantor ON grantor.oid = membership.grantor
    WHERE member.rolname IN (${loginList})`

/** Everything in the schema that the owner does not own, except what belongs to an extension. */
const foreignObjects = (
  schema: string,
) => `SELECT format('ALTER %s %s OWNER TO ${identifier(owner)}', kind, name)
    FROM (
      SELECT 'pg_class'::regclass AS class, oid, 'TABLE', oid::regclass::text, relowner, relnamespace
      FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm')
      UNION ALL
      SELECT 'pg_proc'::regclass, oid, 'ROUTINE', oid::regprocedure::text, proowner, pronamespace FROM pg_proc
      UNION ALL
      SELECT 'pg_type'::regclass, oid, 'DOMAIN', oid::regtype::text, typowner, typnamespace
      FROM pg_type WHERE typtype = 'd'
    ) AS object (class, oid, kind, name, owner, schema)
    WHERE schema = (SELECT oid FROM pg_namespace WHERE nspname = ${literal(schema)})
      AND owner <> ${literal(owner)}::regrole
      AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = class AND objid = object.oid AND deptype = 'e')`
