#!/bin/sh
# Fills in the passwords of the users and becomes RabbitMQ, which reads the file at each start: a broker
# with a new disk has its users again. The passwords are letters, digits, - and _. The nodes of a cluster know each
# other by RABBITMQ_COOKIE.
set -eu
umask 077

definitions=$(cat /etc/rabbitmq/definitions.json.template)
for name in $(printf %s "$definitions" | grep -o '\${[A-Z_]*}' | tr -d '${}' | sort -u); do
  password=$(printenv "$name") || { echo "$name is missing" >&2; exit 78; }
  definitions=$(printf %s "$definitions" | sed "s/\${$name}/$password/")
done
printf '%s\n' "$definitions" > /tmp/definitions.json

if [ -n "${RABBITMQ_COOKIE:-}" ]; then
  rm -f /var/lib/rabbitmq/.erlang.cookie
  printf %s "$RABBITMQ_COOKIE" > /var/lib/rabbitmq/.erlang.cookie
fi

exec docker-entrypoint.sh "$@"
