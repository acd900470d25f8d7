/**
 * Arguments of the Erlang VM that have it look, every second, for quorum queues without a leader,
 * and elect one. In a node that is alone, a queue's follower has no leader but itself to wait for.
 *
 * RabbitMQ 3.10 keeps which log is whose (`names.dets`) in memory for up to a second. After a kill
 * in that second a new queue comes back with an empty log, and ra sets no election timeout for a
 * log that is empty: without this, whoever needs the queue waits for ever, over any restart.
 *
 * Without a blank, since the start script splits its arguments at every one.
 */
export const holdElections: string[] = [
  '-eval',
  [
    'Hold=fun(Again)->',
    'timer:sleep(1000),',
    'catch([ra:trigger_election({Queue,node()})||{Queue,follower}<-ets:tab2list(ra_state)]),',
    'Again(Again)',
    'end,',
    'spawn(fun()->Hold(Hold)end).',
  ].join(''),
]
