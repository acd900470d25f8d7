#!/usr/bin/env bash
# prom-client's default metrics report the delay of the event loop with the sampling interval in it:
# nodejs_eventloop_lag_p50_seconds of a process that does nothing is about 0.010, not 0.
#
# prom-client passes on what perf_hooks.monitorEventLoopDelay({ resolution: 10 }) records, and each
# record is the time between two samples, not the delay beyond the interval. With
# eventLoopMonitoringPrecision: 100, the same idle process has a "lag" of 100 ms. So an alert on
# 10 ms of lag is always on, and a dashboard of processes with different precisions compares nothing.
#
# Seen with prom-client 15.1.3 on Node 26.10.0 and 20.20.2, on 2026-11-30.
# Here: metrics/process.ts samples every 50 ms, subtracts the interval, and removes prom-client's own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --no-audit --no-fund --silent prom-client@15.1.3
cat >idle.cjs <<'END'
const client = require('prom-client')
const eventLoopMonitoringPrecision = Number(process.argv[2])
client.collectDefaultMetrics({ eventLoopMonitoringPrecision })
setTimeout(async () => {
  const page = await client.register.metrics()
  const lag = Number(/^nodejs_eventloop_lag_p50_seconds (\S+)$/m.exec(page)[1])
  console.log(`sampled every ${eventLoopMonitoringPrecision} ms: the median lag of an idle process is ${lag * 1e3} ms`)
  process.exit(lag * 1e3 >= eventLoopMonitoringPrecision * 0.9 ? 0 : 1)
}, 2_000)
END
node idle.cjs 10
node idle.cjs 100
