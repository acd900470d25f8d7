import { sql } from 'kysely'
import type { System } from '../system.ts'

/**
 * From now on the first request of each order, and the first for its refund, is lost: the outbox
 * has it as published, and no broker has it. So the order ends only if it is asked for again; those
 * requests arrive. (A binding taken away would not do: payments-consumer sees to its bindings every
 * few seconds.)
 */
export async function loseFirstRequests({ orders }: System): Promise<void> {
  await orders.db.transaction().execute(async (trx) => {
    await sql`
      CREATE OR REPLACE FUNCTION waylay() RETURNS trigger LANGUAGE plpgsql
      AS $$ BEGIN ${lost}; RETURN NEW; END $$`.execute(trx)
    await sql`
      CREATE TRIGGER waylaid BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION waylay()
    `.execute(trx)
  })
}

const lost = sql`
  IF NOT EXISTS (SELECT FROM outbox WHERE payload_json ->> 'subject' = NEW.payload_json ->> 'subject'
                   AND event_type = NEW.event_type)
  THEN NEW.published_at := now(); END IF`
