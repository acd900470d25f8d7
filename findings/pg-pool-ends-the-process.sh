#!/bin/sh
# pg 8.23.1 reads the files of a URL (?sslrootcert=, sslcert=, sslkey=) in the constructor of its client, and its pool
# makes clients in callbacks too: for callers that wait for a connection. So a certificate that is missing for a
# moment, while it is renewed, rejects a lone caller's promise; but where a second caller waits, it ends the process
# with an uncaught error, which no `try` and no error listener of the pool can catch, and neither caller hears.
#
# Seen on 2026-12-01 (Node 26, pg 8.23.1, no PostgreSQL needed: the first connection is refused):
#   the file is missing, one caller        rejected: ENOENT
#   the file is missing, a second waits    uncaught: ENOENT
#
# Here: SessionClient (chassis/database/session.ts) looks at the files first, and fails when it connects.
# chassis/database/tls.integration.test.ts has the same with a server.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >npm.log
npm install --no-audit --no-fund --ignore-scripts --loglevel=error pg@8.23.1 >>npm.log

cat >see.js <<'JS'
const { rmSync, writeFileSync } = require('node:fs')
const { Pool } = require('pg')

const said = []
process.on('uncaughtException', ({ code }) => said.push(`uncaught: ${code}`))
const connectionString = 'postgres://user@127.0.0.1:1/db?sslmode=verify-full&sslrootcert=ca.pem'
const ask = async (pool) => pool.query('SELECT 1')
const codeOf = (asking) => asking.catch(({ code }) => code)

async function main() {
  const one = new Pool({ connectionString, max: 1 })
  one.on('error', () => {})
  console.log(`the file is missing, one caller        rejected: ${await codeOf(ask(one))}`)

  writeFileSync('ca.pem', '')
  const two = new Pool({ connectionString, max: 1 })
  two.on('error', () => {})
  codeOf(ask(two)).then((code) => said.push(`rejected: ${code}`))
  codeOf(ask(two)).then((code) => said.push(`rejected: ${code}`)) // waits for the only connection
  rmSync('ca.pem') // as a renewal does, for a moment
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  console.log(`the file is missing, a second waits    ${said.join(', ')}`)
}
main()
JS
node see.js >seen
cat seen
cat >expected <<'TEXT'
the file is missing, one caller        rejected: ENOENT
the file is missing, a second waits    uncaught: ENOENT
TEXT
diff expected seen >/dev/null
