/** A JSON Schema, as far as our documents use it. */
export interface Schema {
  $ref?: string
  type?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: Schema[]
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  description?: string
  format?: string
}

/** A line of a table that explains a schema. */
export interface Field {
  name: string
  type: string
  required: boolean
  description: string
}

/**
 * Every field of an object, those of objects in it by their path: `data.order_id`, `stages[].at`.
 */
export function fieldsOf(schema: Schema, find: (ref: string) => Schema, above = ''): Field[] {
  const { properties = {}, required = [] } = resolved(schema, find)
  return Object.entries(properties).flatMap(([key, raw]) => {
    const part = resolved(raw, find)
    const name = `${above}${key}`
    const field = {
      name,
      type: typeOf(part, find),
      required: required.includes(key),
      description: part.description ?? '',
    }
    const inside = part.items
      ? fieldsOf(part.items, find, `${name}[].`)
      : fieldsOf(part, find, `${name}.`)
    return [field, ...inside]
  })
}

/** The forms that a value may have: more than one for a union of objects. */
export const formsOf = (schema: Schema, find: (ref: string) => Schema): Schema[] => {
  const whole = resolved(schema, find)
  return whole.properties ? [whole] : (whole.anyOf ?? [])
}

const resolved = (schema: Schema, find: (ref: string) => Schema): Schema =>
  schema.$ref ? find(schema.$ref) : schema

function typeOf(schema: Schema, find: (ref: string) => Schema): string {
  const { type, format, anyOf, items } = schema
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' or ')
  if (anyOf) return anyOf.map((one) => typeOf(resolved(one, find), find)).join(' or ')
  if (items) return `list of ${typeOf(resolved(items, find), find)}`
  return format ? `${type}, ${format}` : (type ?? 'anything')
}
