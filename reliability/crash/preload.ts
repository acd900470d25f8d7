import { flushCompileCache } from 'node:module'
import { wrapAmqplib } from './amqp-fault-points.ts'
import { isPlanned } from './fault-points.ts'
import { wrapHttp, wrapWs } from './http-fault-points.ts'
import { wrapPg } from './pg-fault-points.ts'

/**
 * For `node --import`: every effect leaves a process through a driver, so the drivers' calls are
 * its fault points. They are wrapped before the program imports them, and CRASH_PLAN says what
 * happens there; the program knows nothing of it.
 */
if (isPlanned) {
  wrapPg()
  wrapAmqplib()
  wrapWs()
  wrapHttp()
  setInterval(flushCompileCache, 1_000).unref() // whoever is killed does not get to it
}
