#!/bin/sh
# rascal 21.0.1 takes a connection URL apart, decodes its parts and puts them together again, without encoding
# them: a user name with an encoded colon logs in as somebody else. amqplib 2.3.1, which it then calls,
# decodes byte by byte: letters beyond ASCII, percent-encoded as UTF-8, become others.
#
# Seen on 2026-11-30 (Node 26, no broker needed: a socket prints what a client logs in with):
#   amqplib, tom%3Acat:secret  says tom:cat / secret       as the URL means it
#   rascal,  tom%3Acat:secret  says tom / cat:secret       another user, another password
#   amqplib, tom:%C3%BC        says tom / c3 83 c2 bc      four bytes, where the letter has two (c3 bc)
#
# Here: messaging/broker/address.ts takes user and password out of the URL once and hands them over as
# fields, to both. For a broker behind such a URL: the object form of amqplib's connect, and
# `socketOptions.credentials` of rascal with a URL that names nobody.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >npm.log
npm install --no-audit --no-fund --ignore-scripts --loglevel=error amqplib@2.3.1 rascal@21.0.1 >>npm.log

cat >see.js <<'JS'
const { createServer } = require('node:net')
const amqplib = require('amqplib')
const rascal = require('rascal')

// Start of the handshake: connection.start with no properties, PLAIN and en_US.
const longString = (text) => Buffer.concat([Buffer.from([0, 0, 0, text.length]), Buffer.from(text)])
const start = Buffer.concat([
  Buffer.from([0, 10, 0, 10, 0, 9, 0, 0, 0, 0]), longString('PLAIN'), longString('en_US'),
])
const frame = Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 0, start.length]), start, Buffer.from([0xce])])

/** Calls `connect` with the address of a server, and resolves to the bytes of user and password it is told. */
function loginOf(connect) {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        socket.write(frame)
        socket.once('data', (startOk) => {
          const at = startOk.indexOf('PLAIN') + 5
          const response = startOk.subarray(at + 4, at + 4 + startOk.readUInt32BE(at))
          const end = response.indexOf(0, 1)
          resolve([response.subarray(1, end), response.subarray(end + 1)])
          socket.destroy()
          server.close()
        })
      })
    })
    server.listen(0, '127.0.0.1', () => connect(`127.0.0.1:${server.address().port}`))
  })
}

const byAmqplib = (login) =>
  loginOf((address) => amqplib.connect(`amqp://${login}@${address}`).catch(() => {}))
const byRascal = (login) =>
  loginOf((address) => {
    const connection = { url: `amqp://${login}@${address}/v`, retry: false }
    const config = rascal.withDefaultConfig({ vhosts: { v: { connection } } })
    rascal.BrokerAsPromised.create(config).catch(() => {})
  })

async function main() {
  const expected = [
    ['amqplib', byAmqplib, 'tom%3Acat:secret', 'tom:cat / secret'],
    ['rascal', byRascal, 'tom%3Acat:secret', 'tom / cat:secret'],
    ['amqplib', byAmqplib, 'tom:%C3%BC', 'tom / c3 83 c2 bc'],
  ]
  let changed = false
  for (const [library, by, login, seen] of expected) {
    const [user, password] = await by(login)
    const isText = /^[\x20-\x7e]+$/.test(password.toString('latin1'))
    const said = `${user} / ${isText ? password : password.toString('hex').match(/../g).join(' ')}`
    console.log(`${library.padEnd(8)} ${login.padEnd(17)} ${said}`)
    changed ||= said !== seen
  }
  process.exit(changed ? 1 : 0)
}
main()
JS
node see.js
