import { type Command, rejectPositionals } from '../cli/command.ts'

export const pageCommand: Command = {
  name: 'page',
  synopsis: '',
  summary: 'serves the page for the operator, until it is stopped',
  details: `Serves a page with status, stuck orders, dead letters and reconcile, which runs the commands of this
command line: http://localhost:8090/operator/ (OPERATOR_PAGE_PORT), on this machine only. It looks;
with OPERATOR_PAGE=act it also redrives, discards and repairs.

With AUTH_MODE=jwt each call needs a token with the scope "operator", and the gateway passes
/operator/ on to the page while OPERATOR_PAGE is look or act. docs/operator.md has more.`,
  options: {},
  run: async ({ positionals, env }) => {
    rejectPositionals('page', positionals)
    const { servePage } = await import('./process.ts') // no other command waits for a server's code
    await servePage(env)
    return { isFine: true, json: {}, text: 'Stopped.' }
  },
}
