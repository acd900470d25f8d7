import { keepRepairing } from '#rabbitmq-3.10/repairs.ts'
import { brokerDefinitions } from '#roles/broker.ts'
import type { Passwords } from '#roles/login.ts'
import type { Ports } from '../stack/ports.ts'

export type BrokerPorts = Pick<Ports, 'amqp' | 'management' | 'distribution' | 'epmd'>

export type BrokerSettings = {
  ports: BrokerPorts
  dir: string
  nodeName: string
  user: string
  password: string
  /** Of the users of the processes and of the operator. */
  passwords: Passwords
}

/** The files of the configuration folder of the node, by name. */
export function rabbitmqFiles(settings: BrokerSettings): Record<string, string> {
  const { ports, dir, user: name, password, passwords } = settings
  const definitions = brokerDefinitions({ name, password }, (login) => passwords[login])
  return {
    'rabbitmq.conf': [
      `listeners.tcp.1 = 127.0.0.1:${ports.amqp}`,
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${ports.management}`,
      `load_definitions = ${dir}/conf/definitions.json`,
      'loopback_users = none',
      'log.console = true',
      'log.console.use_colors = off',
      'log.file = false',
      '',
    ].join('\n'),
    'definitions.json': JSON.stringify(definitions, null, 2),
    'advanced.config': '[].\n',
    enabled_plugins: '[rabbitmq_management].\n',
    'rabbitmq-env.conf': '',
  }
}

/**
 * The environment of a node that shares nothing with other nodes on this machine: own cookie
 * (HOME), own epmd, own ports, loopback only. Only PATH is inherited.
 */
export function rabbitmqEnvironment({
  ports,
  dir,
  nodeName,
}: Pick<BrokerSettings, 'ports' | 'dir' | 'nodeName'>): NodeJS.ProcessEnv {
  return {
    ...epmdEnvironment({ ports, dir }),
    RABBITMQ_NODENAME: nodeName,
    RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
    RABBITMQ_NODE_PORT: String(ports.amqp),
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_MNESIA_BASE: `${dir}/mnesia`,
    RABBITMQ_LOG_BASE: `${dir}/log`,
    RABBITMQ_PID_FILE: `${dir}/node.pid`,
    RABBITMQ_CONFIG_FILE: `${dir}/conf/rabbitmq`,
    RABBITMQ_ADVANCED_CONFIG_FILE: `${dir}/conf/advanced.config`,
    RABBITMQ_CONF_ENV_FILE: `${dir}/conf/rabbitmq-env.conf`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${dir}/conf/enabled_plugins`,
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: [
      '-kernel inet_dist_use_interface {127,0,0,1}',
      // Idle schedulers sleep instead of spinning, since all other processes need the processor.
      '+sbwt none +sbwtdcpu none +sbwtdio none',
      // The management plugin takes five seconds to stop, long after the queues have stopped.
      '-kernel shutdown_timeout 1500',
      ...keepRepairing,
    ].join(' '),
    // The start script execs the VM instead of waiting for it, so that its pid is the broker's.
    RUNNING_UNDER_SYSTEMD: 'true',
  }
}

export function epmdEnvironment({
  ports,
  dir,
}: Pick<BrokerSettings, 'ports' | 'dir'>): NodeJS.ProcessEnv {
  return {
    PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/bin:/sbin:/bin`,
    LANG: 'C.UTF-8',
    HOME: `${dir}/home`,
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  }
}
