/**
 * Arguments of the Erlang VM that check every second for two faults that RabbitMQ 3.10 does not
 * repair itself after a kill, and repair them. Only for a single node: no other node is asked.
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
 * RabbitMQ 3.10 keeps the names of the logs (`names.dets`) in memory for up to a second. After a
 * kill in that second, a new queue has an empty log, for which ra sets no election timeout: the
 * queue has no leader, over any restart. A follower on a single node can only become the leader
 * itself.
 */
function electLeaders(): string[] {
  return [
    'catch([(catch(ra:trigger_election({Queue,node()})))||{Queue,follower}<-ets:tab2list(ra_state)]),',
  ]
}

/**
 * When a queue is deleted in the second after a start, the worker for its dead letters crashes
 * until its supervisor gives up, and nothing restarts the supervisor. Then no queue with
 * at-least-once dead-lettering can have a leader, and each queue gives up as well. A queue that is
 * being deleted leaves the directory of ra before its process ends: a listed queue without a
 * process has crashed.
 */
function reviveQueues(): string[] {
  return [
    'catch(supervisor:restart_child(rabbit_sup,rabbit_fifo_dlx_sup)),',
    'catch([ra:restart_server(quorum_queues,{Queue,node()})||true<-[rabbit:is_running()],',
    '{Queue,_}<-ra_directory:list_registered(quorum_queues),whereis(Queue)==undefined]),',
  ]
}
