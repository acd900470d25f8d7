import type { PollingListenerSettings, StoredTransactionalMessage } from 'pg-transactional-outbox'
import { getDisabledLogger, initializePollingMessageListener } from 'pg-transactional-outbox'
import rascal, { type BrokerConfig } from 'rascal'
import { type LibraryStart, libraryTable } from './library.ts'
import { answerRounds } from './processes.ts'

/** pg-transactional-outbox as its own example has it: polling, and a publisher made with rascal. */
answerRounds(async ({ libraryUrl, settings, ...start }: LibraryStart) => {
  const broker = await rascal.BrokerAsPromised.create(rascal.withDefaultConfig(brokerConfig(start)))
  broker.on('error', () => {}) // the server was stopped first
  const publish = async (message: StoredTransactionalMessage): Promise<void> => {
    const publication = await broker.publish('event', message)
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    publication.on('success', () => resolve()).on('error', reject)
    return promise
  }
  const connection = { connectionString: libraryUrl, max: start.parallel }
  initializePollingMessageListener(
    {
      outboxOrInbox: 'outbox',
      dbListenerConfig: connection,
      dbHandlerConfig: connection,
      settings: settingsOf(settings),
    },
    { handle: publish },
    getDisabledLogger(),
    strategiesOf(settings),
  )
  return {}
})

const settingsOf = (settings: LibraryStart['settings']): PollingListenerSettings => ({
  dbSchema: libraryTable.schema,
  dbTable: libraryTable.table,
  nextMessagesFunctionName: libraryTable.nextMessagesName,
  enableMaxAttemptsProtection: false,
  enablePoisonousMessageProtection: false,
  ...settings,
})

/** Its default takes one message at a time until it has done so as often as a batch is large. */
const strategiesOf = ({ nextMessagesBatchSize: size }: LibraryStart['settings']) =>
  size === undefined ? {} : { batchSizeStrategy: () => Promise.resolve(size) }

type Publishing = Pick<LibraryStart, 'brokerUrl' | 'route' | 'parallel'>

const brokerConfig = ({ brokerUrl: url, route, parallel }: Publishing): BrokerConfig => ({
  vhosts: {
    '/': {
      connection: { url, options: { heartbeat: 10, channelMax: 100 } },
      publicationChannelPools: { confirmPool: { max: parallel, min: 1 } },
      exchanges: { [route.exchange]: { assert: true, type: 'topic' } },
      publications: { event: { ...route, confirm: true } },
    },
  },
})
