import type { ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { Static, TSchema } from 'typebox'
import { addMoneyKeyword } from './money-keyword.ts'

const ajv = addMoneyKeyword(new Ajv2020({ strict: true, allErrors: true, verbose: true }))
addFormats.default(ajv)
ajv.addKeyword('documented') // says how documents show a schema; decides nothing

/** The validator of a schema, made once. It reports every fault, not only the first. */
export const compile = <S extends TSchema>(schema: S): ValidateFunction<Static<S>> =>
  ajv.compile<Static<S>>(schema)
