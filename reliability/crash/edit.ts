import { findAll, type Place } from './pattern.ts'
import { type Node, named, parse, valueIn } from './syntax.ts'

/**
 * A place in the source, and what stands there instead. A place is found by names that its readers
 * know, never by lines of text, so that it is found again when the code around it was edited.
 */
export interface Edit {
  /**
   * A file, and in it a function, method, constant or property, after those that it is in:
   * `messaging/broker/publisher.ts Publisher.isReady`.
   */
  at: string
  /**
   * Code in there, which is there once, however it is laid out: `$name` stands for any expression,
   * `...$$names` for the rest of a list; an object is in parentheses. Without `find` and `sql` the
   * whole value is replaced; of a function its body.
   */
  find?: string
  /** SQL in there, which is there once, however it is laid out. */
  sql?: string
  /** What `$name` and `$$names` stand for is put in. */
  put: string
}

export const fileOf = ({ at }: Edit): string => at.split(' ')[0] as string

/** The names of the place, the outer one first; none of an SQL file. */
export const pathOf = ({ at }: Edit): string[] => at.split(' ')[1]?.split('.') ?? []

/** The source with an edit; throws unless its place is there exactly once. */
export function applyEdit(source: string, edit: Edit): string {
  const { start, end, text } = placeOf(source, edit)
  return source.slice(0, start) + text + source.slice(end)
}

function placeOf(source: string, edit: Edit): Place {
  const { at, find, sql, put } = edit
  const path = pathOf(edit)
  const scope = path.length === 0 ? undefined : only(named(parse(source), path), at)
  if (sql !== undefined) {
    return only(findSql(source, scope ?? { start: 0, end: source.length }, sql, put), at, sql)
  }
  if (!scope) throw new Error(`${at}: an edit of code names the function that it is in`)
  if (find !== undefined) return only(findAll(source, scope, find, put), at, find)
  const { start, end } = valueIn(scope)
  return { start, end, text: put }
}

function only<T>(found: T[], at: string, what?: string): T {
  if (found.length === 1) return found[0] as T
  throw new Error(`${at} is there ${found.length} times, not once${what ? `: ${what}` : ''}`)
}

function findSql(source: string, scope: Pick<Node, 'start' | 'end'>, sql: string, put: string) {
  const pattern = sql.split(/\s+/).map(RegExp.escape).join('\\s+')
  const found = source.slice(scope.start, scope.end).matchAll(new RegExp(pattern, 'g'))
  return [...found].map(({ 0: text, index }): Place => {
    const start = scope.start + index
    return { start, end: start + text.length, text: put }
  })
}
