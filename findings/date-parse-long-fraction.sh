#!/usr/bin/env bash
# V8: Date.parse misreads a fraction of a second that begins with a zero and has ten digits or more.
#
# Surprise: RFC 3339 allows any number of digits, and V8 takes them. Of ten and more it reads the first nine that count, but
# skips leading zeros, and then treats what it has read as the first nine digits: each zero at the front makes the result ten
# times as large. `.010000000` (nine digits) is 10 ms, `.0100000000` (ten) is 100 ms. No error, no NaN: up to 0.9 s too late.
#
# Seen on 2026-11-30 with Node 26.10.0 (V8 14.6.202.34) and Node 20.20.2 (V8 11.3.244.8).
# What follows from it here: a time from outside is cut to milliseconds before it is parsed (messaging/inbox/receipt.ts).
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund node@26.10.0 >/dev/null

cat >parse.mjs <<'JS'
const read = (fraction) => Date.parse(`1970-01-01T00:00:00.${fraction}Z`)
const seen = Object.fromEntries(['01', '010000000', '0100000000', '0006000000'].map((one) => [`0.${one}`, read(one)]))
console.log(process.version, 'V8', process.versions.v8, 'reads, in ms:', seen)
const isAsSaid = read('010000000') === 10 && read('0100000000') === 100 && read('0006000000') === 6
process.exit(isAsSaid ? 0 : 1)
JS
./node_modules/.bin/node parse.mjs
