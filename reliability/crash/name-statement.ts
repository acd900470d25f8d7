/**
 * What a statement does, in a few words made of its own text: `insert inbox`, `claim outbox`, `lock
 * accounts`, `update outbox set published_at`, `select orders by user_id`. So a new statement has a
 * name of its own without anyone giving it one.
 */
export function nameStatement(statement: string, values: readonly unknown[] = []): string {
  const text = statement
    .replaceAll('"', '')
    .replace(/\s+/g, ' ')
    .trim()
    .toLowerCase()
    .replace(/extract\(\w+ from/g, 'extract(')
  if (text.includes('pg_notify(')) return `notify ${channelName(String(values[0]))}`
  for (const [pattern, name] of shapes) {
    const match = pattern.exec(text)
    if (match) return name(match.slice(1), text)
  }
  return text.slice(0, 40)
}

/** Without what makes the channel of one session unlike that of another. */
export const channelName = (channel: string) =>
  channel.replace(/_[0-9a-f]{8}(-[0-9a-f]{4,12}){4}$/, '')

/** The first that fits. A WITH is named by what it changes, if it changes something. */
const shapes: [RegExp, (found: string[], text: string) => string][] = [
  [/^select pg_catalog\.set_config/, () => 'state settings'],
  [/^(begin|start transaction)/, () => 'begin'],
  [/^(commit|rollback|listen \S+)/, ([what = '']) => channelName(what)],
  [/\bupdate (\w+)(?: as \w+)? set (\w+)/, ([table, column]) => `update ${table} set ${column}`],
  [/\binsert into (\w+) \([^)]*\b(last_error)\)/, ([table, why]) => `insert ${table} with ${why}`],
  [/\binsert into (\w+)/, ([table]) => `insert ${table}`],
  [/\bdelete from (\w+) where ctid/, ([table]) => `expire ${table}`],
  [/\bdelete from (\w+)/, ([table]) => `delete ${table}`],
  [/^with ours as \( ?select \w+ from (\w+)/, ([table]) => `lock or skip ${table}`],
  [/\bfrom (\w+)\b.*\bskip locked/, ([table]) => `claim ${table}`],
  [/\bfrom (\w+)\b.*\bfor (?:no key )?update/, ([table]) => `lock ${table}`],
  [/^select (\w+)\(/, ([call]) => `call ${call}`],
  [/\bfrom (\w+)/, ([table], text) => `select ${table}${conditions(text)}`],
  [/^select .* as (\w+)$/, ([name]) => `select ${name}`],
]

/** Which columns a question is about tells it from another one about the same table. */
function conditions(text: string): string {
  const found = text.matchAll(/\b(?:where|and) \(*(?:\w+\.)?(\w+)( = any\b)?/g)
  const columns = [...new Set([...found].map(([, column, any]) => (any ? `${column}s` : column)))]
  return columns.length > 0 ? ` by ${columns.join(', ')}` : ''
}
