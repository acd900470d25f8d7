import { Type } from 'typebox'

export const userIdPattern = /^[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}$/

/** Who a user is; also the primary key of an account. */
export const UserId = Type.String({
  pattern: userIdPattern.source,
  description: '1 to 128 characters of A–Z a–z 0–9 . _ : @ -, the first a letter or digit',
  examples: ['alice'],
})
