const place = 'orders-payments.user'

/** Who used this page last, in this browser; empty if nobody did, or if it keeps nothing. */
export function rememberedUser(): string {
  try {
    return localStorage.getItem(place) ?? ''
  } catch {
    return ''
  }
}

/** Empty to forget. */
export function rememberUser(userId: string): void {
  try {
    if (userId === '') localStorage.removeItem(place)
    else localStorage.setItem(place, userId)
  } catch {
    // a browser that keeps nothing: then users name themselves again
  }
}

/** Called when another tab has forgotten the user. */
export function onForgotten(listener: () => void): void {
  addEventListener('storage', ({ key, newValue }) => {
    if (key === place && newValue === null) listener()
  })
}
