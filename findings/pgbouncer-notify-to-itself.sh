#!/bin/sh
# LISTEN through PgBouncer in transaction mode passes a test in which a session notifies itself, and hears nobody else.
#
# The LISTEN succeeds. A session that then sends a NOTIFY to its own channel receives it: it arrives while the
# statement runs, and is passed on. A NOTIFY of another session is not received. It is delivered to whoever has the
# server connection when it arrives: here to the sender, who has never sent LISTEN; to nobody, if the connection is idle.
# So who wants to know whether LISTEN works must send the NOTIFY over another connection.
#
# Seen with PgBouncer 1.18.0 and PostgreSQL 15 of Debian 12, on 2026-11-30.
# What we do about it: messaging/notifications/probe.ts, docs/poolers.md.
set -eu

bin=/usr/lib/postgresql/15/bin
if ! [ -x $bin/initdb ] || ! command -v pgbouncer >/dev/null; then
  apt-get install -y --no-install-recommends postgresql-15 pgbouncer=1.18.0-1+deb12u1 >/dev/null
fi

dir=$(mktemp -d)
pooler_port=$((20000 + $$ % 10000))
server_port=$((pooler_port + 1))
# Neither of the two runs as root.
as_user() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }
clean_up() {
  [ ! -f "$dir/pid" ] || kill "$(cat "$dir/pid")"
  as_user $bin/pg_ctl -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$dir"
}
trap clean_up EXIT
[ "$(id -u)" != 0 ] || chown postgres "$dir"

as_user $bin/initdb -D "$dir/data" -U postgres -A trust >/dev/null
as_user $bin/pg_ctl -D "$dir/data" -l "$dir/log" -o "-p $server_port -k $dir" -w start >/dev/null
cat > "$dir/ini" <<INI
[databases]
postgres = host=127.0.0.1 port=$server_port user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $pooler_port
unix_socket_dir =
auth_type = any
pool_mode = transaction
logfile = $dir/pooler.log
pidfile = $dir/pid
INI
as_user pgbouncer -q -d "$dir/ini"

client="psql -h 127.0.0.1 -p $pooler_port -U postgres -XqAt postgres"
until $client -c 'SELECT' 2>/dev/null; do sleep 0.1; done

# psql prints what it has received after each statement.
cat > "$dir/session.sql" <<SQL
LISTEN news;
SELECT pg_notify('news', 'from itself');
\! $client -c "SELECT pg_notify('news', 'from another')" | sed 's/^/the other session: /'
SELECT 'a later statement';
SQL
$client -f "$dir/session.sql" | grep . | tee "$dir/seen"

grep -q '^Async.*from itself' "$dir/seen" &&
  ! grep -q '^Async.*from another' "$dir/seen" &&
  grep -q '^the other session: Async.*from another' "$dir/seen"
