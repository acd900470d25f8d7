const place = 'orders-payments.user'

/** Who used this page last, in this browser; empty if nobody did, or if it keeps nothing. */
export function rememberedUser() {
  try {
    return localStorage.getItem(place) ?? ''
  } catch {
    return ''
  }
}

/** @param {string} userId empty to forget */
export function rememberUser(userId) {
  try {
    if (userId === '') localStorage.removeItem(place)
    else localStorage.setItem(place, userId)
  } catch {
    // a browser that keeps nothing: then the user names himself again
  }
}
