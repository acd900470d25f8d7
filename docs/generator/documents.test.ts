import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import asyncApiSchema from '@asyncapi/specs/schemas/3.0.0.json' with { type: 'json' }
import { Validator } from '@seriousme/openapi-schema-validator'
import { Ajv } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { compile } from '#contracts/compile.ts'
import type { EventType } from '#contracts/event-types.ts'
import { eventSchemas } from '#contracts/events.ts'
import { MoneyText } from '#contracts/http-fields.ts'
import { documentOf, Problem } from '#http/problem.ts'
import { asyncApi } from './asyncapi.ts'
import { documentFiles } from './files.ts'
import { openApiOf } from './openapi.ts'
import type { Operation } from './operation.ts'
import { ordersApi } from './orders.ts'
import { paymentsApi } from './payments.ts'
import {
  everywhere,
  type ProblemStatus,
  problemExample,
  type Refusal,
  withBody,
  withKey,
} from './problems.ts'

const apis = { orders: ordersApi, payments: paymentsApi }
const operations: Operation[] = Object.values(apis).flatMap((api) => api.operations)
const asJson = (value: unknown) => JSON.parse(JSON.stringify(value))

describe('the documents', () => {
  for (const [path, text] of Object.entries(documentFiles())) {
    it(`${path} is what the schemas say; npm run documents writes it`, () => {
      assert.equal(readFileSync(resolve(import.meta.dirname, '../..', path), 'utf8'), text)
    })
  }

  for (const [name, api] of Object.entries(apis)) {
    it(`describes ${name} in valid OpenAPI 3.1`, async () => {
      const validator = new Validator({ strict: false })
      const { valid, errors } = await validator.validate(asJson(openApiOf(api)))
      assert.ok(valid, JSON.stringify(errors, null, 2))
      assert.equal(validator.version, '3.1')
    })

    it(`refers to nothing that is missing in ${name}`, () => assertRefs(asJson(openApiOf(api))))

    it(`has examples in ${name} that fit their schemas`, () => {
      const document = asJson(openApiOf(api))
      const ajv = new Ajv2020({ strict: false })
      addFormats.default(ajv)
      ajv.addSchema(document, 'document.json')
      const shown = examplesIn(document)
      assert.ok(shown.length > 20)
      for (const { schema, values } of shown) {
        const fits = ajv.compile(absolute(schema))
        for (const value of values) {
          assert.ok(fits(value), `${JSON.stringify(value)}: ${ajv.errorsText(fits.errors)}`)
        }
      }
    })
  }

  it('describes the events and the WebSocket in valid AsyncAPI 3.0', () => {
    // It brings its own copy of the meta-schema.
    const ajv = new Ajv({
      strict: false,
      meta: false,
      validateSchema: false,
      validateFormats: false,
    })
    const fits = ajv.compile(asyncApiSchema)
    assert.ok(fits(asJson(asyncApi())), ajv.errorsText(fits.errors, { separator: '\n' }))
    assertRefs(asJson(asyncApi()))
  })

  it('shows events that their readers would take', () => {
    for (const [name, message] of Object.entries(asyncApi().components.messages)) {
      const schema = eventSchemas[name as EventType]
      if (!schema) continue
      const [example] = (message as { examples: { payload: unknown }[] }).examples
      const fits = compile(schema)
      assert.ok(fits(asJson(example?.payload)), `${name}: ${JSON.stringify(fits.errors)}`)
    }
  })

  it('shows problems as the APIs write them', () => {
    const kinds = [everywhere, withBody, ...operations.map(({ problems }) => problems)]
    const refusals = kinds.flatMap((problems) =>
      Object.entries(problems).flatMap(([status, list]) =>
        list.map(
          (refusal) => [Number(status) as ProblemStatus, refusal] as [ProblemStatus, Refusal],
        ),
      ),
    )
    assert.ok(refusals.length > 15)
    for (const [status, refusal] of refusals) {
      if (status === 414 || status === 429 || status === 431 || status === 504) continue // nginx's
      const { detail, errors } = refusal
      const problem = new Problem(refusal.type ?? status, detail, errors && { errors })
      const shown = problemExample(status, refusal)
      assert.deepEqual(shown, documentOf(problem, shown.instance))
    }
  })

  it('shows an amount of a request just where the requests are validated', () => {
    const document = asJson(openApiOf(ordersApi))
    const shown = new Ajv2020({ strict: false }).compile(
      document.components.schemas.PlaceOrder.properties.amount,
    )
    for (const amount of ['10', '10.5', '0.01', '9999999999999999.99', 10, 0.01]) {
      assert.ok(shown(amount), `${amount}`)
    }
    for (const amount of ['0', '0.0', '0.00', '1.000', '.5', '+5', '007', '', 0, -1, 1e16, null]) {
      assert.ok(!shown(amount), `${amount}`)
    }
    assert.ok(compile(MoneyText)('0.00'))
  })

  it('tells of every operation what it is, shows it, and how it may be refused', () => {
    assert.equal(new Set(operations.map(({ id }) => id)).size, operations.length)
    for (const { id, summary, description, answer, problems, body, query } of operations) {
      assert.ok(summary && description, id)
      assert.ok(Object.keys(answer.examples).length > 0, id)
      assert.ok(!body || problems[409]?.includes(withKey[409]), `${id}: no refusal of a key`)
      assert.ok(!(body || query) || problems[422], `${id}: no refusal of what it reads`)
    }
  })
})

/** Every `$ref` leads somewhere. */
function assertRefs(document: Record<string, unknown>): void {
  const refs = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)]
  assert.ok(refs.length > 10)
  for (const [, path = ''] of refs) {
    let place: unknown = document
    for (const part of path.split('/')) place = (place as Record<string, unknown>)?.[part]
    assert.ok(place, path)
  }
}

interface Shown {
  schema: Record<string, unknown>
  values: unknown[]
}

/** Everything with a schema and examples of it, wherever it is. */
function examplesIn(value: unknown): Shown[] {
  if (typeof value !== 'object' || value === null) return []
  const { schema, example, examples } = value as Record<string, never>
  const inside = Object.values(value).flatMap(examplesIn)
  if (typeof schema !== 'object') return inside
  const values = Object.values(examples ?? {}).map((one) => (one as { value: unknown }).value)
  return [{ schema, values: example === undefined ? values : [example, ...values] }, ...inside]
}

const absolute = (schema: unknown) =>
  JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document.json#/'))
