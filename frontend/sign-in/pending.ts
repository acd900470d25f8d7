import type { Pending } from './provider.ts'

const place = 'orders-payments.sign-in'

/** While the browser is at the provider. */
export function keepPending(pending: Pending): void {
  sessionStorage.setItem(place, JSON.stringify(pending))
}

/** What this tab has asked, once; undefined if it has asked nothing. */
export function takePending(): Pending | undefined {
  const kept = sessionStorage.getItem(place)
  sessionStorage.removeItem(place)
  return kept === null ? undefined : JSON.parse(kept)
}

/**
 * What the provider has sent the browser back with, once: the address loses it at once, so that a
 * reload does not bring it again.
 */
export function takeAnswer(): URLSearchParams | undefined {
  const answer = new URLSearchParams(location.search)
  if (!answer.has('code') && !answer.has('error')) return undefined
  history.replaceState(null, '', location.pathname)
  return answer
}
