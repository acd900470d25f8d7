#!/bin/sh
# amqplib: what was published, or acknowledged, just before connection.close() is never sent, and close() resolves all the same.
#
# What channels write waits for a later turn of the event loop (lib/mux.js); the end of the connection is written at once
# (lib/connection.js), and the broker takes nothing after it. A TCP socket sends what was written before end().
#   1. sendToQueue(), then await connection.close(): the queue stays empty.
#   2. the same with `await new Promise(setImmediate)` in between: still empty.
#   3. with await channel.close() in between: the message is there.
# Seen on 2026-11-30 with RabbitMQ 3.10.8 (Debian 12) and amqplib 2.3.1.
#
# With us: messaging/broker/connection.ts (closeConnection): its callers close the channel, or wait for all confirms, first.
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
const own = await connection.createChannel()

/** How many of three messages arrive when the connection is closed after each. */
async function arrived(queue, beforeClosing) {
  await own.assertQueue(queue)
  for (let n = 0; n < 3; n++) {
    const other = await connect(0)
    const channel = await other.createChannel()
    channel.sendToQueue(queue, Buffer.from('x'))
    if (beforeClosing) await beforeClosing(channel) // else not even a microtask in between
    await other.close()
  }
  await new Promise((resolve) => setTimeout(resolve, 500))
  return (await own.checkQueue(queue)).messageCount
}

const atOnce = await arrived('at-once')
const oneTurn = await arrived('one-turn', () => new Promise(setImmediate))
const closed = await arrived('closed', (channel) => channel.close())
console.log('of 3 arrived, closed at once:         ', atOnce)
console.log('of 3 arrived, closed a turn later:    ', oneTurn)
console.log('of 3 arrived, its channel closed first:', closed)
await connection.close()
process.exit(atOnce === 0 && oneTurn === 0 && closed === 3 ? 0 : 1)
JS
node look.mjs "$port" || { rc=$?; tail -5 log; exit $rc; }
