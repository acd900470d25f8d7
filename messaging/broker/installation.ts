import { otherArgumentOf } from './refusals.ts'

/** Whose virtual host it has to be. */
export interface Installation {
  /** Undefined when nobody wants to know any more. */
  id: Promise<string | undefined>
  /** Called when the virtual host is another one's. */
  refuse: (error: Error) => void
}

/**
 * Nothing is in it: its arguments say whose the virtual host is. RabbitMQ compares them whenever it
 * is declared, so of two installations that want one virtual host the first has it.
 */
export const installationQueue = 'orders-payments.installation'

/**
 * A routing key is an argument that may be any text, in all versions. A quorum queue is on several
 * nodes.
 */
export const ownershipOf = (id: string) => ({
  durable: true,
  arguments: {
    'x-queue-type': 'quorum',
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': id,
  },
})

/** Rejects when it will not be known. */
export async function idOf(installation: Installation): Promise<string> {
  const id = await installation.id
  if (id === undefined) throw new Error('told to stop before the database could be read')
  return id
}

/** The error, or one that says whose the virtual host is, and has refused it. */
export function refuseForeign(installation: Installation, error: Error): Error {
  const other = otherArgumentOf(error)
  if (other?.name !== installationQueue || other.argument !== 'x-dead-letter-routing-key')
    return error
  const foreign = new Error(
    `Cannot start:\n  The virtual host of AMQP_URL belongs to another installation: its queue ${installationQueue} ` +
      `says ${other.theirs}, the databases say ${other.ours}. Give each installation a virtual host of its own. ` +
      'If the other one is gone for good, delete this queue.',
    { cause: error },
  )
  installation.refuse(foreign)
  return foreign
}
