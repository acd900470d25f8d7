/** The name of a statement, in a comment of its text: that of the function that makes it. */
const tag = /\/\* (\w+) \*\//

/** What the driver sends without a text of ours. */
const ofTheDriver = /^(begin|commit|rollback|listen \S+)/i

/** Whether a statement has a name of its own, which stays when its text is edited. */
export const isNamed = (statement: string): boolean =>
  tag.test(statement) || ofTheDriver.test(statement)

/** The name of a statement; a notification is named by its channel. */
export function nameStatement(statement: string, values: readonly unknown[] = []): string {
  const name = tag.exec(statement)?.[1]
  if (name === 'notify') return `notify ${channelName(String(values[0]))}`
  const [text] = ofTheDriver.exec(statement) ?? [statement.slice(0, 40)]
  return name ?? channelName(text.replaceAll('"', '').toLowerCase())
}

/** Whether it changes something, or notifies somebody: a lock alone does not. */
export const isChange = (statement: string): boolean =>
  /\b(insert\s+into|delete\s+from|update\s+"?\w+"?\s+set|pg_notify\()/i.test(statement)

/** Without what makes the channel of one session unlike that of another. */
export const channelName = (channel: string) =>
  channel.replace(/_[0-9a-f]{8}(-[0-9a-f]{4,12}){4}$/, '')
