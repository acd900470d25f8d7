import { acknowledgingMutants } from './acknowledging.ts'
import { databaseMutants } from './database.ts'
import { deadLettersMutants } from './dead-letters.ts'
import { deferralMutants } from './deferral.ts'
import { inboxMutants } from './inbox.ts'
import { limitsMutants } from './limits.ts'
import type { Mutant } from './mutant.ts'
import { ordersMutants } from './orders.ts'
import { outboxMutants } from './outbox.ts'
import { outsideMutants } from './outside.ts'
import { paymentsMutants } from './payments.ts'
import { principalMutants } from './principal.ts'
import { pushMutants } from './push.ts'
import { quarantineMutants } from './quarantine.ts'
import { retentionMutants } from './retention.ts'
import { rolesMutants } from './roles.ts'
import { signaturesMutants } from './signatures.ts'

/** Each protection of the system, switched off in turn. */
export const mutants: readonly Mutant[] = [
  ...outboxMutants,
  ...inboxMutants,
  ...acknowledgingMutants,
  ...deferralMutants,
  ...quarantineMutants,
  ...deadLettersMutants,
  ...signaturesMutants,
  ...paymentsMutants,
  ...ordersMutants,
  ...pushMutants,
  ...principalMutants,
  ...limitsMutants,
  ...retentionMutants,
  ...rolesMutants,
  ...databaseMutants,
  ...outsideMutants,
]
