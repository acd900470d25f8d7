import type { Logger } from '#chassis/logger.ts'
import { throttledLog } from '#chassis/throttled-log.ts'
import { notSigned, type Sign, signerWith, type Verify, verifierWith } from './signature.ts'
import type { SigningKey } from './signing-keys.ts'

/**
 * `off`: nothing is signed or verified. `if-present`: relays sign, consumers verify, and take what
 * is not signed: for the time in which not every relay signs. `required`: what is not signed is a
 * dead letter.
 */
export const signatureModes = ['off', 'if-present', 'required'] as const

/** The options of an engine: of a relay with its own keys, of a consumer with the sender's. */
export interface SignatureOptions {
  signatures?: (typeof signatureModes)[number]
  signingKeys?: readonly SigningKey[]
}

/** Undefined when nothing is signed. */
export const signerOf = ({
  signatures = 'off',
  signingKeys = [],
}: SignatureOptions): Sign | undefined =>
  signatures === 'off' ? undefined : signerWith(signingKeys)

/** Verifies what was published to this exchange; undefined when nothing is verified. */
export function verifierOf(
  { signatures = 'off', signingKeys = [] }: SignatureOptions,
  exchange: string,
  logger: Logger,
): Verify | undefined {
  if (signatures === 'off') return undefined
  const report = throttledLog((details) => logger.warn(details, 'taken without a signature'))
  const onUnsigned = () => {
    if (signatures === 'required') return notSigned
    report(1, { exchange })
    return undefined
  }
  return verifierWith(signingKeys, { exchange, onUnsigned })
}
