/** How long before its end a token is renewed, if it lasts long enough. */
const marginMs = 60_000

/**
 * When to renew a token, and when it ends. A short one is renewed at half of its time; one of which
 * the provider does not say how long it lasts, when a server refuses it.
 */
export function lifetimeOf(
  expiresInSeconds: number | undefined,
  nowMs: number,
): { renewAt: number; endsAt: number } {
  const ms = expiresInSeconds === undefined ? Number.POSITIVE_INFINITY : expiresInSeconds * 1_000
  return { renewAt: nowMs + Math.max(ms - marginMs, ms / 2), endsAt: nowMs + ms }
}
