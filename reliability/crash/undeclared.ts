import { type Edit, pathOf } from './edit.ts'
import { isNode, type Node, named, nodesIn, parse, parseStatements } from './syntax.ts'

/**
 * Names that an edit puts in and that neither it nor the code around it declares: it would fail
 * with a ReferenceError, and its test would turn red for that and not for the protection.
 */
export function undeclaredIn(source: string, edit: Edit): string[] {
  const code = parseStatements(edit.put)
  const program = parse(source)
  const top = named(program, pathOf(edit).slice(0, 1))
  const known = new Set([...declaredIn(code), ...atModuleLevel(program), ...declaredIn(top)])
  const isKnown = (name: string) =>
    known.has(name) || name in globalThis || name === 'arguments' || name.startsWith('$')
  return [...new Set(usedIn(code))].filter((name) => !isKnown(name))
}

const atModuleLevel = ({ body }: Node): string[] =>
  (body as Node[]).flatMap((statement) => {
    const { type, declaration } = statement
    if (type === 'ImportDeclaration') return namesIn(statement.specifiers)
    const { declarations, id } = (declaration ?? statement) as Node
    const ids = Array.isArray(declarations) ? declarations.map((one) => one.id) : [id]
    return ids.flatMap(namesIn)
  })

/** Of variables, parameters and functions, wherever they are. */
const declaredIn = (code: unknown): string[] =>
  [...nodesIn(code)].flatMap(({ type, id, params }) =>
    type === 'VariableDeclarator' || params !== undefined ? namesIn([id, params]) : [],
  )

const namesIn = (code: unknown): string[] =>
  [...nodesIn(code)].flatMap(({ type, name }) => (type === 'Identifier' ? [String(name)] : []))

/** Names that are read: no property of an object, and no key. */
function usedIn(code: unknown): string[] {
  if (Array.isArray(code)) return code.flatMap(usedIn)
  if (!isNode(code)) return []
  if (code.type === 'Identifier') return [String(code.name)]
  const { key, property, computed, ...fields } = code
  return usedIn(Object.values(computed ? code : fields))
}
