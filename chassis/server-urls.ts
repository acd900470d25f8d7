import { url, type Variable } from './config.ts'
import { certificateFault, type certificateParameters, unverifiedTls } from './tls.ts'

export const postgresUrl = (name: string): Variable<string> =>
  serverUrl(url(name, ['postgres:', 'postgresql:']), 'postgres')

export const amqpUrl = (name: string): Variable<string> =>
  serverUrl(url(name, ['amqp:', 'amqps:']), 'rabbitmq')

/** With the files of its certificates as they are at the start. */
const serverUrl = (
  { name, parse }: Variable<string>,
  server: keyof typeof certificateParameters,
): Variable<string> => ({
  name,
  isSecret: true,
  parse: (value) => {
    const url = parse(value)
    const fault = unverifiedTls(url) ?? certificateFault(url, server)
    if (fault) throw new Error(`is refused: ${fault}`)
    return url
  },
})
