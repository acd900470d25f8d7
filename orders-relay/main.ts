import { runRelayOf } from '#workers/relay.ts'

/** Publishes the outbox of Orders. Has no business logic. */
void runRelayOf('orders')
