/** The header with the signature of an event: `KEY_ID:` and an HMAC-SHA256 in base64url. */
export const signatureHeader = 'event-signature'

/** Of a message that events share: the signatures of the events, in the order of their lines. */
const betweenSignatures = ' '

export type Headers = Record<string, unknown>

/** The header of a message that these events share: each event keeps its own signature. */
export function sharedSignature(all: readonly (Headers | undefined)[]): Headers {
  const signatures = all.map((headers) => headers?.[signatureHeader])
  return signatures.includes(undefined)
    ? {}
    : { [signatureHeader]: signatures.join(betweenSignatures) }
}

/** The headers of each event of a message that events share, by its place. */
export function headersOfEach(headers: Headers): (index: number) => Headers {
  const { [signatureHeader]: signature, ...others } = headers
  if (typeof signature !== 'string') return () => headers
  const signatures = signature.split(betweenSignatures)
  return (index) => {
    const own = signatures[index]
    return own === undefined ? others : { ...others, [signatureHeader]: own }
  }
}

/** Ours have less. */
const maxLength = 255

/** The signature alone, where a message is sent again without the headers of its sender. */
export function signatureOf({ [signatureHeader]: signature }: Headers): Headers {
  const isOurs = typeof signature === 'string' && signature.length <= maxLength
  return isOurs ? { [signatureHeader]: signature } : {}
}
