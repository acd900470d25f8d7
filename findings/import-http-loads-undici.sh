#!/bin/sh
# An ES module that imports `node:http` loads all of undici, though nothing uses fetch or WebSocket; `require('node:http')`
# does not. An import makes a facade with every export, and reads the lazy ones for it: `http.WebSocket` and its like load
# undici. It takes ten times the CPU time of `require`, at each start of a process, and TypeScript or a bundle in the format
# of ES modules cannot avoid it.
#
# Seen on 2026-11-30 with node 26.10.0: import loads undici, 31 to 39 ms of CPU time; require does not, 3 ms.
# Node 20.20.2 does not load it either way. So the processes are bundled as CommonJS (local/bundle/bundle.ts).
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y > /dev/null
npm install --silent --no-audit --no-fund --ignore-scripts=false node@26.10.0 > /dev/null
node=node_modules/node/bin/node

cat > says.cjs << 'END'
exports.says = (how, before) => {
  const { user, system } = process.cpuUsage(before)
  const loaded = process.moduleLoadList.some((name) => name.endsWith('deps/undici/undici'))
  console.log(`${how}: undici ${loaded ? 'loaded' : 'not loaded'}, ${((user + system) / 1000).toFixed(0)} ms`)
}
END
cat > one.cjs << 'END'
const before = process.cpuUsage()
require('node:http')
require('./says.cjs').says('require', before)
END
cat > two.mjs << 'END'
import { createRequire } from 'node:module'
const before = process.cpuUsage()
await import('node:http')
createRequire(import.meta.url)('./says.cjs').says('import', before)
END

echo "node $($node --version)"
$node one.cjs | tee seen
$node two.mjs | tee -a seen
grep -q '^require: undici not loaded' seen && grep -q '^import: undici loaded' seen
