#!/usr/bin/env bash
# OpenTelemetry JS SDK 3: of the standard OTEL_* variables the exporter obeys its own, and the tracer ignores all of its own.
#
# Surprise: one program, one environment. `OTLPTraceExporter` sends to OTEL_EXPORTER_OTLP_ENDPOINT, so the environment seems to
# work. `TracerProvider` and `BatchSpanProcessor` of @opentelemetry/sdk-trace 3 do not read OTEL_TRACES_SAMPLER,
# OTEL_SPAN_LINK_COUNT_LIMIT or OTEL_BSP_*, and say nothing: with `always_off` every span is sent. Version 2 (sdk-trace-base)
# obeys the same variables. Who upgrades a program that samples one trace of a hundred pays for all of them.
#
# Seen on 2026-11-30 with sdk-trace 3.1.1, exporter-trace-otlp-proto 0.301.1, and sdk-trace-base 2.12.1, Node 26.10.0.
# What follows from it here: tracing/variables.ts reads them, and refuses a wrong one by name.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/two" "$dir/three"
install() {
  cd "$dir/$1"
  echo '{"type":"module","private":true}' >package.json
  npm install --silent --no-audit --no-fund --ignore-scripts "${@:2}" >/dev/null
}
install two @opentelemetry/api@1.9.0 @opentelemetry/sdk-trace-base@2.12.1 @opentelemetry/exporter-trace-otlp-proto@0.223.1
install three @opentelemetry/api@1.10.0 @opentelemetry/sdk-trace@3.1.1 @opentelemetry/exporter-trace-otlp-proto@0.301.1

cat >"$dir/run.mjs" <<'JS'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const folder = process.argv[2]
const load = createRequire(`${folder}/x.js`)
const { OTLPTraceExporter } = load('@opentelemetry/exporter-trace-otlp-proto')
let requests = 0
const collector = createServer((_request, response) => {
  requests++
  response.end()
}).listen(0, '127.0.0.1')
await new Promise((resolve) => collector.once('listening', resolve))
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${collector.address().port}`
process.env.OTEL_TRACES_SAMPLER = 'always_off'

const exporter = new OTLPTraceExporter()
const isThree = folder.endsWith('three')
const sdk = load(isThree ? '@opentelemetry/sdk-trace' : '@opentelemetry/sdk-trace-base')
const processor = new sdk.BatchSpanProcessor(isThree ? { exporter } : exporter)
const provider = new (sdk.TracerProvider ?? sdk.BasicTracerProvider)({ spanProcessors: [processor] })
provider.getTracer('finding').startSpan('not to be sampled').end()
await provider.shutdown()
console.log(`version ${isThree ? 3 : 2}, OTEL_TRACES_SAMPLER=always_off: ${requests} requests to the collector`)
process.exit(requests === (isThree ? 1 : 0) ? 0 : 1)
JS
node "$dir/run.mjs" "$dir/two"
node "$dir/run.mjs" "$dir/three"
