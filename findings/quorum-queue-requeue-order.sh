#!/bin/sh
# What goes back to a quorum queue does not go back to its place, and x-delivery-limit decides where it goes.
#
# RabbitMQ's documentation says that a requeued message goes to its original position where possible. With nobody else
# at the queue, each message taken with basic.get and put back with basic.nack (requeue):
#   1. Without x-delivery-limit, three of ten that are put back stand behind the other seven.
#   2. With one, they stand before the rest, but behind all that was put back before: take three and put them back,
#      take the first and put it back: now it is the third.
#   3. 40 messages put back with one basic.nack (multiple) come back in another order; 20 do not.
# Seen on 2026-11-30 with RabbitMQ 3.10.8 (Debian 12) and amqplib 2.3.1.
#
# With us: operator/dead-letters/broker/unacked-messages.ts (takeReturned, putBack) and docs/operator.md (Order).
# Needs node, npm and rabbitmq-server (Debian's, as root: apt-get install -y rabbitmq-server).
set -eu
dir=$(mktemp -d)
broker=
stop() {
  if [ -n "$broker" ]; then kill "$broker" 2>/dev/null || true; wait "$broker" 2>/dev/null || true; fi
  HOME=$dir ERL_EPMD_PORT=$((port + 2)) epmd -kill >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap stop EXIT
port=$((20000 + $$ % 10000))
cd "$dir"
npm install --silent --no-audit --no-fund amqplib@2.3.1 >/dev/null
printf 'listeners.tcp.1 = 127.0.0.1:%s\n' "$port" >rabbitmq.conf
echo '[].' >enabled_plugins

HOME=$dir ERL_EPMD_PORT=$((port + 2)) ERL_EPMD_ADDRESS=127.0.0.1 \
  RABBITMQ_NODENAME=finding@localhost RABBITMQ_DIST_PORT=$((port + 1)) RABBITMQ_CONFIG_FILE=$dir/rabbitmq.conf \
  RABBITMQ_MNESIA_BASE=$dir/data RABBITMQ_LOG_BASE=$dir RABBITMQ_ENABLED_PLUGINS_FILE=$dir/enabled_plugins \
  RABBITMQ_PID_FILE=$dir/pid /usr/lib/rabbitmq/bin/rabbitmq-server >log 2>&1 &
broker=$!

cat >look.mjs <<'JS'
import amqp from 'amqplib'

const url = `amqp://guest:guest@127.0.0.1:${process.argv[2]}`
const connect = (tries) =>
  amqp.connect(url).catch((error) => {
    if (tries === 0) throw error
    return new Promise((resolve) => setTimeout(resolve, 250)).then(() => connect(tries - 1))
  })
const connection = await connect(160)
const channel = await connection.createConfirmChannel()

async function take(queue, count) {
  const taken = []
  while (taken.length < count) taken.push((await channel.get(queue)) || taken.pop())
  return taken
}
const numbersOf = (messages) => messages.map(({ content }) => Number(content))
const inOrder = (numbers) => numbers.every((number, index) => number === index)

async function afterwards(queue, count, putBack, limit = { 'x-delivery-limit': 1000 }) {
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum', ...limit } })
  for (let n = 0; n < count; n++) channel.sendToQueue(queue, Buffer.from(String(n)))
  await channel.waitForConfirms()
  await putBack(queue)
  while ((await channel.checkQueue(queue)).messageCount < count);
  return numbersOf(await take(queue, count))
}
const one = (count) => async (queue) => {
  for (const message of await take(queue, count)) channel.nack(message)
  while ((await channel.checkQueue(queue)).messageCount < 10);
}
const allAtOnce = (count) => async (queue) => channel.nack((await take(queue, count)).at(-1), true)

const unlimited = await afterwards('unlimited', 10, one(3), {})
const limited = await afterwards('limited', 10, async (queue) => {
  for (const count of [3, 1]) await one(count)(queue)
})
const twenty = await afterwards('twenty', 20, allAtOnce(20))
const forty = await afterwards('forty', 40, allAtOnce(40))
console.log('3 put back, no limit:           ', unlimited.join(' '))
console.log('3, then 1 put back, with limit: ', limited.join(' '))
console.log('20 put back at once:            ', twenty.join(' '))
console.log('40 put back at once:            ', forty.join(' '))
await connection.close()
const isSo =
  unlimited.join() === '3,4,5,6,7,8,9,0,1,2' && limited.join() === '1,2,0,3,4,5,6,7,8,9' && inOrder(twenty) && !inOrder(forty)
process.exit(isSo ? 0 : 1)
JS
node look.mjs "$port" || { rc=$?; tail -5 log; exit $rc; }
