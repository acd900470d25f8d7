import type { ErrorObject, ValidateFunction } from 'ajv'
import { type FieldError, Problem } from './problem.ts'

/** Limits of the response: a request may have thousands of errors, and very long names. */
const maxErrors = 20
const maxPointerLength = 200

/**
 * The value, if it is valid. Throws a Problem (422) with at most twenty errors, and the number of
 * the others.
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

/** The pointer and the message of an error; a missing or unknown field is its own pointer. */
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
