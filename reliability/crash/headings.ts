import type { Options } from './options.ts'

/** What stands above a table that is written to a file: its title, its command, and its words. */
export const headingOf = (work: Options['work'], command: string): string => {
  const { title, words } = headings[work]
  return [`# ${title}`, `\`${command}\``, ...words].join('\n\n')
}

const orders = `Orders are counted by how they ended: _ok_, once; _recovered_, once too, but the answer to its client was lost.
Anything else is a broken promise.`

const headings: Record<Options['work'], { title: string; words: string[] }> = {
  'fault-points': {
    title: 'Fault points: where each process was killed',
    words: [
      `A _seam_ is a place where something leaves a process or comes in: a statement, a message, an acknowledgement, an answer. No code marks
them: each run finds them again by listening to the drivers, and names each by what it does. _Killed before_: SIGKILL when the call is about
to be made, or when what comes in has not been heard yet. _Killed after_: its answer has come (or, where nothing answers, all of it has been
written) and the caller does not have it yet; or what comes in has just been heard. The numbers say how often. After each kill the process is
started again.`,
      `Where B follows A with nothing in between, after A and before B are the same moment. \`npm test\` makes one kill for both, and the row of B
says _with: after A_; \`npm run crash -- --fault-points\` makes both.`,
      `- A statement has the name of the function that makes it, in \`rows.ts\`.
- _commit of X_, _rollback of X_: the end of a transaction in which X was the last change, or notification; _of nothing_: it has only read, or
  locked rows.
- _delivery_, _redelivery_: a message comes for the first time, or again; _return_: no queue took it; _confirm received_: the broker has it.
- _notify_, _hear_: a notification of PostgreSQL goes out, or comes in; _push_: a status goes to a WebSocket.`,
      `_Crashes_ are kills. ${orders} There are two runs, with a
semicolon between them. In the first no payment request is retried. In the second the first request of every order is lost, so that each payment has to be
requested again (_requested again_ says how many were), and only \`orders-consumer\` is killed, at what it does for that.`,
    ],
  },
  pairs: {
    title: 'Pairs of fault points: two kills',
    words: [
      `Two processes are killed at once, each at a fault point of its own; or one process twice, in two instances, one after the other. The seed draws the pairs,
as many as there is time for. No payment request is retried.
${orders}`,
    ],
  },
  mutants: {
    title: 'Mutants: each protection switched off',
    words: [
      `A _mutant_ is the system without one of its protections: a function is rewritten as its file is loaded; where one protection stands behind
another, both are. Then something must turn red, or nobody would miss the protection: the mutant is _caught_, or it _survived_. What is to
catch it has to be green without it: the runs of the whole system are made so first, the tests are those of \`npm test\`.`,
      `- _switched off_: the name of the mutant, for \`--only\`; _in_: the rewritten files.
- _why it is there_: what the protection keeps true, or from what it protects.
- _caught by_: a run of the whole system in which just this is done; or a test, with words of its title.
- _given away by_: the first broken promise that was found, or the first test that failed. An … stands for an id.`,
    ],
  },
}
