#!/bin/sh
# A channel that is closed forgets acknowledgements that its quorum queue has not taken yet, and says close-ok.
#
# A channel hands 32 commands to a quorum queue (quorum_commands_soft_limit); further ones it keeps, until it is told
# that those are done. When it is closed before, they are gone: the messages come back, though each was acknowledged
# and channel.close() was answered. Seen with 100 messages, the first of them requeued, the other 99 acknowledged one by one:
#   1. then channel.close(): 66 messages come back, or 67, instead of 1.
#   2. a passive declare of the queue in between: sometimes 1, sometimes 66. It is answered without the log of the queue.
#   3. a basic.get in between, which the queue does after the other commands, and a passive declare: always 1.
# Seen on 2026-11-30 with RabbitMQ 3.10.8 (Debian 12) and amqplib 2.3.1.
#
# With us: messaging/broker/consumer.ts (finishAcknowledging) and operator/dead-letters/broker/unacked-messages.ts (prefetchSize).
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
const own = await connection.createConfirmChannel()
const count = 100

/** How many messages of a hundred come back, when one was requeued and 99 were acknowledged. */
async function comeBack(queue, beforeClosing) {
  await own.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  for (let n = 0; n < count; n++) own.sendToQueue(queue, Buffer.from('x'))
  await own.waitForConfirms()
  const other = await connect(0)
  const channel = await other.createChannel()
  await channel.prefetch(count)
  const messages = []
  const { consumerTag } = await new Promise((resolve) => {
    const consuming = channel.consume(queue, (message) => {
      if (messages.push(message) === count) resolve(consuming)
    })
  })
  await channel.cancel(consumerTag)
  for (const message of messages.slice(1)) channel.ack(message)
  channel.nack(messages[0])
  await beforeClosing(channel, queue)
  await channel.close()
  await other.close()
  await new Promise((resolve) => setTimeout(resolve, 500))
  return (await own.checkQueue(queue)).messageCount
}
async function rounds(name, beforeClosing) {
  const counts = []
  for (let round = 0; round < 5; round++) counts.push(await comeBack(`${name}-${round}`, beforeClosing))
  console.log(`came back, ${name}:`.padEnd(28), counts.join(' '))
  return counts
}
const closed = await rounds('closed at once', async () => {})
await rounds('after a declare', (channel, queue) => channel.checkQueue(queue))
const asked = await rounds('after a get', async (channel, queue) => {
  const message = await channel.get(queue)
  if (message) channel.nack(message)
  await channel.checkQueue(queue)
})
await connection.close()
process.exit(Math.max(...closed) > 1 && asked.every((count) => count === 1) ? 0 : 1)
JS
node look.mjs "$port" || { rc=$?; tail -5 log; exit $rc; }
