import { sql, type Transaction } from 'kysely'
import type { OrdersDatabase } from '#tables/orders.ts'
import type { System } from '../system.ts'

/**
 * From now on the first request of each order is lost: the outbox has it as published, and no broker
 * has it. So the order ends only if it is asked for again; those requests arrive. (A binding taken
 * away would not do: payments-consumer sees to its bindings every few seconds.)
 */
export async function loseFirstRequests({ orders }: System): Promise<void> {
  await orders.db.transaction().execute(async (trx) => {
    await meetWith(trx, fates.lost)
    await sql`
      CREATE TRIGGER waylaid BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION waylay()
    `.execute(trx)
  })
}

/**
 * After `loseFirstRequests`: all requests that are made while `meanwhile` is on stay in the outbox,
 * so that there is nothing to do but wait for them; in the end they are lost.
 */
export async function holdRequestsBack(
  { orders }: System,
  meanwhile: () => Promise<unknown>,
): Promise<void> {
  await orders.db.transaction().execute((trx) => meetWith(trx, fates.held))
  try {
    await meanwhile()
  } finally {
    await orders.db.transaction().execute(async (trx) => {
      await sql`SET LOCAL lock_timeout = 0`.execute(trx) // or all requests would stay held
      await sql`LOCK TABLE outbox IN SHARE ROW EXCLUSIVE MODE`.execute(trx) // nobody is writing one
      await meetWith(trx, fates.lost)
      await sql`
        UPDATE outbox SET published_at = now() WHERE next_attempt_at = 'infinity'
      `.execute(trx)
    })
  }
}

const fates = {
  lost: sql`
    IF NOT EXISTS (SELECT FROM outbox WHERE payload_json ->> 'subject' = NEW.payload_json ->> 'subject')
    THEN NEW.published_at := now(); END IF`,
  held: sql`NEW.next_attempt_at := 'infinity'`,
}

const meetWith = (trx: Transaction<OrdersDatabase>, fate: (typeof fates)[keyof typeof fates]) =>
  sql`
    CREATE OR REPLACE FUNCTION waylay() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN ${fate}; RETURN NEW; END $$`.execute(trx)
