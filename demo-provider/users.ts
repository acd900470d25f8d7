/** Who can sign in, and for what. */
export const users: Record<string, readonly string[]> = {
  alice: ['orders', 'payments', 'operator'],
  bob: ['orders', 'payments'],
}

/** Everything that anybody may do. */
export const allScopes = [...new Set(Object.values(users).flat())]
