import { join } from 'node:path'
import { writePrivately } from '../servers/stored-secret.ts'
import type { Print } from '../supervisor/keep-running.ts'
import type { ServerUrls, Settings } from './settings.ts'

/** `run/addresses.json`: where everything is, for programs; it holds passwords. */
export function writeAddresses(settings: Settings, urls: ServerUrls): void {
  const addresses = {
    gateway: gatewayUrl(settings),
    orders_database_url: urls.ordersDatabase,
    payments_database_url: urls.paymentsDatabase,
    amqp_url: urls.amqp,
    rabbitmq_management: urls.management || null,
  }
  writePrivately(addressesFile(settings), `${JSON.stringify(addresses, null, 2)}\n`)
}

/** Tells a person where to look, without a password on the screen. */
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
    ['Logs', settings.places.logsDir],
  ]
  print(`\nReady after ${took}.\n`)
  for (const [what, where] of lines) print(`  ${what?.padEnd(11)} ${where}`)
  print('\nCtrl-C stops everything.\n')
}

function managementLine({ amqp, management }: ServerUrls): string {
  if (management === '') return withoutLogin(amqp)
  return `${withoutLogin(management)} (user ${new URL(management).username})`
}

function withoutLogin(url: string): string {
  const clean = new URL(url)
  clean.username = ''
  clean.password = ''
  for (const name of ['user', 'password']) clean.searchParams.delete(name)
  return clean.href
}

const gatewayUrl = ({ gatewayPort }: Settings) => `http://127.0.0.1:${gatewayPort}`

const addressesFile = ({ places }: Settings) => join(places.runDir, 'addresses.json')
