import type { ErrorObject, ValidateFunction } from 'ajv'
import { type FieldError, Problem } from './problem.ts'

/** A request may have thousands of faults, and names as long as itself: its answer stays small. */
const maxErrors = 20
const maxPointerLength = 200

/**
 * The value, now known to fit its schema. Throws a Problem (422) that points at its faults, twenty at
 * most, and says how many more there are.
 */
export function validated<T>(validate: ValidateFunction<T>, value: unknown): T {
  if (validate(value)) return value
  const faults = validate.errors ?? []
  throw new Problem(422, 'The request is invalid; see `errors`.', {
    errors: faults.slice(0, maxErrors).map(fieldErrorOf).map(shortened),
    moreErrors: Math.max(0, faults.length - maxErrors),
  })
}

const shortened = ({ pointer, message }: FieldError): FieldError => ({
  pointer: pointer.length > maxPointerLength ? `${pointer.slice(0, maxPointerLength)}…` : pointer,
  message,
})

/** Where the fault is and what to do, in words: for a missing or unknown field, that field. */
function fieldErrorOf({
  keyword,
  instancePath,
  params,
  message,
  parentSchema,
}: ErrorObject): FieldError {
  switch (keyword) {
    case 'required':
      return { pointer: `${instancePath}/${params.missingProperty}`, message: 'is missing' }
    case 'additionalProperties':
      return {
        pointer: `${instancePath}/${escapePointer(String(params.additionalProperty))}`,
        message: 'is not a field of this request',
      }
    case 'enum':
      return {
        pointer: instancePath,
        message: `must be one of ${params.allowedValues.join(', ')}`,
      }
    case 'pattern':
      return { pointer: instancePath, message: `must be ${parentSchema?.description ?? message}` }
    default:
      return { pointer: instancePath, message: message ?? 'is not valid' }
  }
}

/** RFC 6901. */
const escapePointer = (name: string) => name.replaceAll('~', '~0').replaceAll('/', '~1')
