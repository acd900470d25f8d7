import type { ErrorObject, ValidateFunction } from 'ajv'
import { compile } from './compile.ts'
import {
  allEventTypes,
  type EventType,
  eventTypesTo,
  type Service,
  schemaNameOf,
} from './event-types.ts'
import { type EventOf, eventSchemas } from './events.ts'
import { hasKeyTwice } from './exact-json.ts'

/** Why a message is no event. */
export const invalidReasons = [
  'not-json',
  'doubled-key',
  'unknown-type',
  'unknown-version',
  'not-the-schema',
] as const

export type InvalidReason = (typeof invalidReasons)[number]

export type Decoded<E> =
  | { kind: 'event'; event: E }
  | { kind: 'invalid'; reason: InvalidReason; error: string }

const validators = Object.fromEntries(
  allEventTypes.map((type) => [type, compile(eventSchemas[type])]),
) as Record<EventType, ValidateFunction>
const utf8 = new TextDecoder('utf-8', { fatal: true })

/**
 * A decoder for a consumer that understands these types of event, and only these.
 *
 * Never throws: whatever came in ends as an event that fits its schema, or as a reason (for the
 * dead letter) and a sentence that names what is wrong.
 */
export function eventDecoder<T extends EventType>(...types: T[]) {
  return (content: Uint8Array): Decoded<EventOf<T>> => {
    const parsed = parse(content)
    if (!parsed) return invalid('not-json', 'the message is not JSON in UTF-8')
    if (hasKeyTwice(parsed.text, parsed.value)) return invalid('doubled-key', keyTwice)

    const { type, dataschema } = (parsed.value ?? {}) as { type?: unknown; dataschema?: unknown }
    const known = types.find((candidate) => candidate === type)
    if (!known) return invalid('unknown-type', `the type ${named(type)} is not handled here`)
    if (dataschema !== undefined && !endsIn(dataschema, `/${schemaNameOf(known)}`)) {
      return invalid('unknown-version', `the dataschema does not end in /${schemaNameOf(known)}`)
    }

    const fits = validators[known]
    if (!fits(parsed.value)) return invalid('not-the-schema', sentenceOf(fits.errors))
    return { kind: 'event', event: parsed.value as EventOf<T> }
  }
}

/** A decoder for the consumer of a service: of all that the other one sends it. */
export const decoderOf = <S extends Service>(service: S) => eventDecoder(...eventTypesTo(service))

/** For a sentence; anything but text could be endless. */
const named = (type: unknown): string =>
  typeof type === 'string' ? JSON.stringify(type.slice(0, 100)) : `(a value of type ${typeof type})`

/** Not for `String(value)`: that throws on what JSON can well hold, such as {"toString":1}. */
const endsIn = (value: unknown, end: string): boolean =>
  typeof value === 'string' && value.endsWith(end)

const keyTwice = 'an object has the same key twice, and readers disagree on which one counts'

function parse(content: Uint8Array): { text: string; value: unknown } | undefined {
  try {
    const text = utf8.decode(content)
    return { text, value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

const sentenceOf = (errors: ErrorObject[] | null | undefined): string =>
  (errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`).join('; ')

const invalid = (reason: InvalidReason, error: string): Decoded<never> => ({
  kind: 'invalid',
  reason,
  error,
})
