import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { allEventTypes } from '#contracts/event-types.ts'
import { asyncApi } from '#generator/asyncapi.ts'

const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)
ajv.addSchema(JSON.parse(JSON.stringify(asyncApi())), 'messages')

const validators = new Map(
  allEventTypes.map((type) => [type, ajv.getSchema(`messages#/components/schemas/${type}`)]),
)

/** The event in a text of latin1, as far as it is JSON: its id, and whether its document fits. */
export function eventIn(content: string): { id: string | undefined; isEvent: boolean } {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(content, 'latin1'))
    const value = JSON.parse(text)
    const fits = validators.get(value.type)
    const id = uuid.test(value.id) ? value.id : undefined
    return { id, isEvent: fits?.(value) === true }
  } catch {
    return { id: undefined, isEvent: false }
  }
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
