import type { TSchema } from 'typebox'

type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type JsonObject = { [key: string]: Json }

/**
 * Schemas as documents show them: by reference where they have a name, and a schema that says how
 * it wants to be shown (keyword `documented`) in that way.
 */
export class Schemas {
  readonly #names: Map<unknown, string>
  readonly #schemas: Record<string, TSchema>

  constructor(schemas: Record<string, TSchema>) {
    this.#schemas = schemas
    this.#names = new Map(Object.entries(schemas).map(([name, schema]) => [schema, name]))
  }

  /** For `components.schemas`. */
  get components(): JsonObject {
    return Object.fromEntries(
      Object.entries(this.#schemas).map(([name, schema]) => [name, this.#members(schema)]),
    )
  }

  show(schema: TSchema): Json {
    return this.#show(schema)
  }

  #show(value: unknown): Json {
    if (Array.isArray(value)) return value.map((item) => this.#show(item))
    if (typeof value !== 'object' || value === null) return value as Json
    const name = this.#names.get(value)
    if (name) return refTo(name)
    return 'documented' in value ? (value.documented as Json) : this.#members(value)
  }

  #members(value: object): JsonObject {
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, this.#show(part)]))
  }
}

export const refTo = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` })

/** A message of the AsyncAPI document. */
export const messageRef = (name: string): JsonObject => ({ $ref: `#/components/messages/${name}` })
