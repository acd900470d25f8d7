import { otherArgumentOf } from './refusals.ts'

/** The installation that must own the virtual host. */
export interface Installation {
  /** Undefined if the process stops first. */
  id: Promise<string | undefined>
  /** Called when the virtual host belongs to another installation. */
  refuse: (error: Error) => void
}

/**
 * An empty queue whose arguments name the owner of the virtual host. RabbitMQ compares them at each
 * declaration, so of two installations that want one virtual host the first one gets it.
 */
export const installationQueue = 'orders-payments.installation'

/**
 * The id is in the routing key: an argument that may be any text, in all versions. A quorum queue
 * is on several nodes.
 */
export const ownershipOf = (id: string) => ({
  durable: true,
  arguments: {
    'x-queue-type': 'quorum',
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': id,
  },
})

/** Rejects if the process stops before the id is known. */
export async function idOf(installation: Installation): Promise<string> {
  const id = await installation.id
  if (id === undefined) throw new Error('told to stop before the database could be read')
  return id
}

/**
 * The error; if it shows another owner of the virtual host, an error that names the owner, after
 * `refuse`.
 */
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
