import assert from 'node:assert/strict'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { eventSchemas } from './events.ts'
import * as ordersHttp from './orders-http.ts'
import * as ordersWs from './orders-ws.ts'
import * as paymentsHttp from './payments-http.ts'

describe('the schemas', () => {
  it('are schemas, which no process checks at its start', () => {
    const ajv = new Ajv2020()
    const all = { ...eventSchemas, ...ordersHttp, ...paymentsHttp, ...ordersWs }
    const schemas = Object.entries(all).filter(([, value]) => isSchema(value))
    assert.ok(schemas.length > 15, `${schemas.length} schemas`)
    for (const [name, schema] of schemas) {
      assert.ok(ajv.validateSchema(schema as object), `${name}: ${ajv.errorsText()}`)
    }
  })

  it('are looked at: what is no schema is refused', () => {
    assert.equal(new Ajv2020({ logger: false }).validateSchema({ type: 'nothing' }), false)
  })
})

const isSchema = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && ('type' in value || 'anyOf' in value)
