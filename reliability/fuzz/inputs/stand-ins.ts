/**
 * What a printed case has in place of what only the run knows. Ids are as long as what they stand
 * for, so that no length of a body changes.
 */
export const standIns = {
  token: 'TOKEN-OF-ALICE',
  ownOrder: 'a11ce000-0000-4000-8000-000000000000',
  foreignOrder: 'b0b00000-0000-4000-8000-000000000000',
} as const

/** Who sends everything, and whose data nobody may get. */
export const users = { own: 'alice', foreign: 'bob' } as const

export type StandIn = keyof typeof standIns

/** A case as it is sent. */
export const filled = (text: string, values: Record<StandIn, string>): string =>
  (Object.keys(standIns) as StandIn[]).reduce(
    (result, name) => result.replaceAll(standIns[name], values[name]),
    text,
  )
