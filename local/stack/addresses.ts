import { join } from 'node:path'
import { withoutLogins } from '#messaging/broker/address.ts'
import { roleNames } from '#roles/table.ts'
import type { Servers } from '../servers/servers.ts'
import { writePrivately } from '../servers/stored-secret.ts'
import type { Print } from '../supervisor/supervise.ts'
import { gatewayUrl, type ServerUrls, type Settings } from './settings.ts'

/**
 * Writes `run/addresses.json`: the addresses for programs, with passwords, as administrator; and
 * `run/roles.json`: the same for each role.
 */
export function writeAddresses(settings: Settings, { urls, urlsOf }: Servers): void {
  const addresses = {
    gateway: gatewayUrl(settings),
    ...serverAddresses(urls),
    rabbitmq_management: urls.management || null,
  }
  const roles = roleNames.map((name) => [name, serverAddresses(urlsOf(name))])
  writeJson(join(settings.paths.runDir, 'roles.json'), Object.fromEntries(roles))
  writeJson(addressesFile(settings), addresses)
}

const serverAddresses = (urls: ServerUrls) => ({
  orders_database_url: urls.ordersDatabase,
  payments_database_url: urls.paymentsDatabase,
  amqp_url: urls.amqp,
})

const writeJson = (file: string, value: object): void =>
  writePrivately(file, `${JSON.stringify(value, null, 2)}\n`)

/** Prints the addresses for people, without passwords. */
export function announceStack(
  settings: Settings,
  urls: ServerUrls,
  took: string,
  print: Print,
): void {
  const lines = [
    ['The page', `${gatewayUrl(settings)}/`],
    ['RabbitMQ', managementLine(urls)],
    ['PostgreSQL', `${withoutLogin(urls.ordersDatabase)} ${withoutLogin(urls.paymentsDatabase)}`],
    ['Passwords', addressesFile(settings)],
    ['Logs', settings.paths.logsDir],
  ]
  print(`\nReady after ${took}.\n`)
  for (const [name, value] of lines) print(`  ${name?.padEnd(11)} ${value}`)
  print('\nCtrl-C stops everything.\n')
}

function managementLine({ amqp, management }: ServerUrls): string {
  if (management === '') return withoutLogins(amqp)
  return `${withoutLogin(management)} (user ${new URL(management).username})`
}

function withoutLogin(url: string): string {
  const clean = new URL(url)
  clean.username = ''
  clean.password = ''
  for (const name of ['user', 'password']) clean.searchParams.delete(name)
  return clean.href
}

const addressesFile = ({ paths }: Settings) => join(paths.runDir, 'addresses.json')
