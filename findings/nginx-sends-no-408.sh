#!/usr/bin/env bash
# nginx 1.22.1: a client that is too slow is cut off without any answer, though the documentation speaks of 408.
#
# Surprise: the documentation of client_header_timeout and client_body_timeout says that the request "is terminated with the 408
# (Request Time-out) error". nginx writes 408 into its log, and closes the connection: no status line, no page of `error_page 408`.
# RFC 9110 (15.5.9) has the status for the client, who could learn from it what was wrong.
#
# Seen on 2026-12-01 with nginx 1.22.1 (Debian 12): a whole request gets its error page (170 bytes); half a head and half a body
# get 0 bytes each, and both are in the log with 408.
# What follows from it here: the gateway sends slow clients no problem document (docs/reliability/faults.md, G23), and
# tests/raw-requests.e2e.ts expects none.
set -euo pipefail

command -v nginx >/dev/null || { apt-get update -qq && apt-get install -yqq nginx-light >/dev/null; }
dir=$(mktemp -d)
trap 'kill "$(cat "$dir/pid" 2>/dev/null)" 2>/dev/null; rm -rf "$dir"' EXIT
chmod 755 "$dir"

port=$(node -e 'const s = require("net").createServer().listen(0, () => { console.log(s.address().port); s.close() })')
cat > "$dir/nginx.conf" <<CONF
pid $dir/pid;
error_log $dir/error.log;
events {}
http {
  access_log $dir/access.log combined;
  client_body_temp_path $dir/body; proxy_temp_path $dir/proxy; fastcgi_temp_path $dir/f;
  uwsgi_temp_path $dir/u; scgi_temp_path $dir/s;
  server {
    listen 127.0.0.1:$port;
    client_header_timeout 1s;
    client_body_timeout 1s;
    error_page 404 408 /error;
    location = /error { internal; return 200 "what went wrong: \$status"; }
    location = /upload { proxy_pass http://127.0.0.1:9; }
    location / { return 404; }
  }
}
CONF
nginx -e "$dir/error.log" -p "$dir" -c "$dir/nginx.conf"

# Sends a text, and prints how many bytes come back before the connection is closed.
bytes_for() {
  PORT=$port TEXT=$1 node -e '
    const socket = require("net").connect(Number(process.env.PORT), "127.0.0.1")
    let bytes = 0
    socket.on("data", (chunk) => { bytes += chunk.length })
    socket.on("close", () => console.log(bytes))
    socket.write(process.env.TEXT.replaceAll("\\n", "\r\n"))'
}

whole=$(bytes_for 'GET /none HTTP/1.1\nHost: a\nConnection: close\n\n')
head=$(bytes_for 'GET /none HTTP/1.1\nHost: ')
body=$(bytes_for 'POST /upload HTTP/1.1\nHost: a\nContent-Length: 9\n\nhalf')
logged=$(grep -c '" 408 ' "$dir/access.log" || true)
echo "404 by the error_page: $whole bytes; half a head: $head bytes; half a body: $body bytes; 408 in the log: $logged"

if [ "$whole" -gt 26 ] && [ "$head" = 0 ] && [ "$body" = 0 ] && [ "$logged" = 2 ]; then
  echo 'as before: nginx closes the connection of a slow client without an answer'
else
  echo 'changed: see tests/raw-requests.e2e.ts'
  exit 1
fi
