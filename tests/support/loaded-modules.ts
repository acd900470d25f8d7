import { registerHooks } from 'node:module'

/** For `--import`: each module that is loaded from now on is a line on stderr. */
registerHooks({
  load: (url, context, nextLoad) => {
    process.stderr.write(`${url}\n`)
    return nextLoad(url, context)
  },
})
