import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Static, TSchema } from 'typebox'
import { addMoneyKeyword } from './money-keyword.ts'

/** A process does not check at its start whether its schemas are schemas: compile.test.ts does. */
const options = { strict: true, allErrors: true, verbose: true, validateSchema: false }
const ajv = addMoneyKeyword(new Ajv2020(options))
addFormats.default(ajv)
ajv.addKeyword('documented') // says how documents show a schema; decides nothing

/** The validator of a schema, made once. It reports every fault, not only the first. */
export const compile = <S extends TSchema>(schema: S): ValidateFunction<Static<S>> =>
  ajv.compile<Static<S>>(schema)
