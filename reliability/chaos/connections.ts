/**
 * Who a connection belongs to, read from what its client said first: `application_name` of
 * PostgreSQL's start-up message, `connection_name` of AMQP's client properties. Empty if unknown.
 */
export function ownerOf({ label }: { label: string }): string {
  const ofPostgres = /application_name\0([^\0]+)\0/.exec(label)?.[1]
  if (ofPostgres !== undefined) return ofPostgres
  const name = 'connection_nameS'
  const at = label.indexOf(name)
  if (at === -1) return ''
  const start = at + name.length + 4 // a long string: four bytes of length
  return label.slice(start, start + label.charCodeAt(start - 1))
}

/** Connections of a process name, whatever they are for; of everybody if it is empty. */
export const belongsTo = (name: string) => (connection: { label: string }) =>
  name === '' || ownerOf(connection).split(' ')[0] === name
