/**
 * Arguments of the Erlang VM that have it look every second for what RabbitMQ 3.10 does not mend
 * itself after a kill, and mend it. Only for a node that is alone: it asks no other one.
 *
 * Without a blank, since the start script splits its arguments at every one.
 */
export const keepRepairing: string[] = [
  '-eval',
  [
    'Repair=fun(Again)->',
    'timer:sleep(1000),',
    ...electLeaders(),
    ...reviveQueues(),
    'Again(Again)',
    'end,',
    'spawn(fun()->Repair(Repair)end).',
  ].join(''),
]

/**
 * Which log is whose (`names.dets`) is kept in memory for up to a second. After a kill in that
 * second a new queue comes back with an empty log, and ra sets no election timeout for a log that
 * is empty: whoever needs the queue waits for ever, over any restart. A follower that is alone has
 * no leader but itself to wait for.
 */
function electLeaders(): string[] {
  return [
    'catch([(catch(ra:trigger_election({Queue,node()})))||{Queue,follower}<-ets:tab2list(ra_state)]),',
  ]
}

/**
 * When a queue is deleted in the second after a start, the worker for its dead letters crashes
 * until its supervisor gives up, which nobody starts again. Then no queue with at-least-once
 * dead-lettering can have a leader, and each gives up as well. A queue that is being deleted leaves
 * ra's directory before its process ends: one that is there without a process has crashed.
 */
function reviveQueues(): string[] {
  return [
    'catch(supervisor:restart_child(rabbit_sup,rabbit_fifo_dlx_sup)),',
    'catch([ra:restart_server(quorum_queues,{Queue,node()})||true<-[rabbit:is_running()],',
    '{Queue,_}<-ra_directory:list_registered(quorum_queues),whereis(Queue)==undefined]),',
  ]
}
