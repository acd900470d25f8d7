import { isDeepStrictEqual } from 'node:util'
import { isNode, type Node, nodesIn, parseStatements } from './syntax.ts'

/** A piece of a source, and the text that shall stand there. */
export interface Place {
  start: number
  end: number
  text: string
}

/** Where a pattern fits below a node, with what `put` makes of it. */
export function findAll(source: string, scope: Node, pattern: string, put: string): Place[] {
  const wanted = parsePattern(pattern)
  return [...nodesIn(scope)].flatMap((node) => {
    const bound = new Map<string, string>()
    if (!fits(wanted, node, { source, bound })) return []
    const text = put.replace(/\$\$?\w+/g, (name) => bound.get(name) ?? name)
    return [{ start: node.start, end: node.end, text }]
  })
}

/** One expression (an object in parentheses) or one statement. */
function parsePattern(pattern: string): Node {
  const [statement, ...more] = parseStatements(pattern)
  if (!statement || more.length > 0) throw new Error(`Not one expression or statement: ${pattern}`)
  const code = (statement.type === 'ExpressionStatement' ? statement.expression : statement) as Node
  return code.type === 'ParenthesizedExpression' ? (code.expression as Node) : code
}

interface Match {
  source: string
  /** The text that each `$name` and `$$names` stands for. */
  bound: Map<string, string>
}

/** Where the code is, its spelling, and its types. */
const unimportant = new Set(['start', 'end', 'raw', 'typeAnnotation', 'typeArguments'])

function fits(wanted: unknown, node: unknown, match: Match): boolean {
  if (Array.isArray(wanted)) return Array.isArray(node) && fitList(wanted, node, match)
  if (!isNode(wanted)) return isDeepStrictEqual(wanted, node)
  if (!isNode(node)) return false
  if (wanted.type === 'Identifier' && /^\$\w+$/.test(String(wanted.name))) {
    return bind(String(wanted.name), node, node, match)
  }
  const fields = Object.keys(wanted).filter((field) => !unimportant.has(field))
  return wanted.type === node.type && fields.every((key) => fits(wanted[key], node[key], match))
}

function fitList(wanted: unknown[], nodes: Node[], match: Match): boolean {
  const rest = restName(wanted.at(-1))
  const first = rest === undefined ? wanted : wanted.slice(0, -1)
  if (rest === undefined ? nodes.length !== first.length : nodes.length < first.length) return false
  if (!first.every((one, index) => fits(one, nodes[index], match))) return false
  return rest === undefined || bind(rest, nodes[first.length], nodes.at(-1), match)
}

const restName = (node: unknown): string | undefined => {
  if (!isNode(node) || node.type !== 'SpreadElement') return undefined
  const { name } = node.argument as Node
  return /^\$\$\w+$/.test(String(name)) ? String(name) : undefined
}

/** A name that comes twice stands for the same text. */
function bind(name: string, first: Node | undefined, last: Node | undefined, match: Match) {
  const text = first && last ? match.source.slice(first.start, last.end) : ''
  const before = match.bound.get(name) ?? text
  match.bound.set(name, before)
  return before === text
}
