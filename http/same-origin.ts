import type { IncomingHttpHeaders } from 'node:http'

/**
 * A page of another origin must not use what a visitor's browser reaches. Programs send no Origin.
 * Host is read as a part of a URL with the scheme of the Origin: proxies write it with its default
 * port, or in capitals.
 */
export function isSameOrigin({ origin, host = '' }: IncomingHttpHeaders): boolean {
  if (origin === undefined) return true
  const page = URL.parse(origin)
  if (!page || !/^https?:$/.test(page.protocol)) return false
  const own = URL.parse(`${page.protocol}//${host}`)
  return own?.href === `${page.origin}/`
}
