import { parseSync } from 'oxc-parser'

/** A node of the syntax tree (ESTree), with its place in the source. */
export interface Node {
  type: string
  start: number
  end: number
  [field: string]: unknown
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as Node).type === 'string'

/** Throws when it is not TypeScript. */
export function parse(source: string): Node {
  const { program, errors } = parseSync('source.ts', source)
  if (errors[0]) throw new Error(`${errors[0].message}: ${source.slice(0, 200)}`)
  return program as unknown as Node
}

/** The statements of some code, as it stands in a method. */
export function parseStatements(code: string): Node[] {
  const program = parse(`class Any { async *method() { ${code}\n} }`)
  const { value: method } = [...nodesIn(program)].find(isMethod) as Node
  return ((method as Node).body as Node).body as Node[]
}

const isMethod = ({ type }: Node) => type === 'MethodDefinition'

/** A node and all below it. */
export function* nodesIn(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const one of value) yield* nodesIn(one)
  if (!isNode(value)) return
  yield value
  for (const field of Object.values(value)) yield* nodesIn(field)
}

/** The declarations, methods and properties of a name, inside those of the names before it. */
export function named(root: Node, path: readonly string[]): Node[] {
  const isCalled = (name: string) => (node: Node) => nameOf(node) === name
  const inside = path.reduce<Node[]>(
    (outer, name) =>
      outer.flatMap((node) => [...nodesIn(Object.values(node))].filter(isCalled(name))),
    [root],
  )
  return [...new Set(inside)]
}

function nameOf(node: Node): unknown {
  switch (node.type) {
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
    case 'VariableDeclarator':
      return (node.id as Node | null)?.name
    case 'MethodDefinition':
    case 'PropertyDefinition':
    case 'Property':
      return node.shorthand ? undefined : keyOf(node.key as Node)
    default:
      return undefined
  }
}

const keyOf = ({ type, name, value }: Node): unknown =>
  type === 'PrivateIdentifier' ? `#${name}` : (name ?? value)

/** What a name stands for; of a function its body. */
export function valueIn(node: Node): Node {
  const value = (node.init ?? node.value ?? node) as Node
  return (value.body ?? value) as Node
}
