import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

type Method = (this: object, ...args: never[]) => unknown
type Call = (...args: unknown[]) => unknown

/**
 * Puts `replacement` in the place of a method; it gets the original, bound to the same object.
 * Throws when the method is not there: then a driver has changed, and a fault point would be
 * missing in silence.
 */
export function wrap(
  owner: object,
  method: string,
  replacement: (original: Call, self: object, args: unknown[]) => unknown,
): void {
  const methods = owner as Record<string, Method | undefined>
  const original = methods[method]
  if (typeof original !== 'function') throw new Error(`There is no method ${method} to wrap`)
  methods[method] = function (this: object, ...args: unknown[]) {
    const call: Call = (...given) => Reflect.apply(original, this, given)
    return replacement(call, this, args)
  }
}

const require = createRequire(import.meta.url)

/** A module of a package as its own files see it, also one that it does not export. */
export const moduleOf = (name: string, file?: string) =>
  require(file ? join(dirname(require.resolve(name)), file) : name)
