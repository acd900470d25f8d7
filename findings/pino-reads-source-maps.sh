#!/bin/sh
# The first `pino()` of a process reads and decodes the source map of the file that calls it, if Node runs with
# --enable-source-maps: pino asks `util.getCallSites()` for the names of the calling files, which only transports need, and
# Node maps each call site. Of a bundle, that is the map of the whole program: it costs more CPU time than loading the
# program, at each start, and the decoded map stays in memory. Nothing is logged, and no error has been thrown.
#
# Seen on 2026-12-01 with pino 10.4.0 and node 26.10.0, in a bundle with typebox and kysely: pino() takes 4 to 12 ms
# without the flag, 70 to 150 ms with it. So our bundles replace that one file of pino (local/bundle/bundle.ts).
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts=false \
  node@26.10.0 pino@10.4.0 esbuild@0.28.2 kysely@0.29.9 typebox@1.4.3 > /dev/null
node=node_modules/node/bin/node

cat > main.js << 'END'
import * as kysely from 'kysely'
import { pino } from 'pino'
import * as typebox from 'typebox'
globalThis.kept = [kysely, typebox]
const { cpuUsage } = process
const before = cpuUsage()
pino()
const { user, system } = cpuUsage(before)
console.log(Math.round((user + system) / 100) / 10)
END
npx esbuild main.js --bundle --platform=node --sourcemap --outfile=bundle.cjs --log-level=error

measure() { for _ in 1 2 3; do $node "$@" bundle.cjs; done | sort -n; }
median() { echo "$1" | sed -n 2p; }
without=$(median "$(measure)")
with=$(median "$(measure --enable-source-maps)")
echo "node $($node --version), pino $($node -p 'require("pino/package.json").version')"
echo "CPU ms of the first pino(): $without, with --enable-source-maps $with"
awk "BEGIN { exit !($with > 5 * $without) }"
