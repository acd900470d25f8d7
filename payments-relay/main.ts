import { runRelayOf } from '#workers/relay.ts'

/** Publishes the outbox of Payments. Has no business logic. */
void runRelayOf('payments')
