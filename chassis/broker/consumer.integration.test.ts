import { useBroker } from '#testing/broker.ts'
import { eventually } from '#testing/eventually.ts'
import { silent } from '#testing/logger.ts'
import { useResources } from '#testing/resources.ts'
import { Subscription } from './consumer.ts'

describe('Subscription', () => {
  const broker = useBroker()
  const use = useResources()
  const topology = { queues: [{ queue: 'all', exchange: 'events', routingKeys: ['happened'] }] }

  it('declares again a binding that was removed, which no connection tells of', async () => {
    const received: string[] = []
    const subscription = use(
      new Subscription({
        ...{ name: 'consumer', url: broker.url, topology, queue: 'all', prefetch: 10 },
        logger: silent,
        bindEveryMs: 200,
        onDelivery: ({ content, ack }) => {
          received.push(content.toString())
          ack()
        },
      }),
    )
    await eventually(() => subscription.isConsuming())
    await broker.channel().unbindQueue('all', 'events', 'happened')
    await eventually(async () => {
      await broker.publish({ exchange: 'events', routingKey: 'happened' }, 'heard')
      return received.includes('heard')
    })
  })
})
