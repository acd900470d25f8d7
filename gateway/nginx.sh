#!/bin/sh
# Fills in a template and becomes nginx. Used in place of the image's own entrypoint, because a rate limit
# of 0, or no certificate, means that directives are left out, and envsubst knows no conditions.
set -eu

rate=${RATE_LIMIT_PER_SECOND:-0}
case $rate in
  *[!0-9]*) echo "RATE_LIMIT_PER_SECOND must be a whole number, got \"$rate\"" >&2; exit 78 ;;
esac

export RATE_LIMIT_ZONE='' RATE_LIMIT=''
if [ "$rate" -gt 0 ]; then
  RATE_LIMIT_ZONE="limit_req_zone \$limited_client zone=clients:10m rate=${rate}r/s;"
  RATE_LIMIT="limit_req zone=clients burst=$((rate * 2)) nodelay;"
fi

export GATEWAY_CERTIFICATE=''
cert=${GATEWAY_TLS_CERT_FILE:-} key=${GATEWAY_TLS_KEY_FILE:-}
if [ -n "$cert$key" ]; then
  [ -r "$cert" ] || { echo "GATEWAY_TLS_CERT_FILE \"$cert\" cannot be read" >&2; exit 78; }
  [ -r "$key" ] || { echo "GATEWAY_TLS_KEY_FILE \"$key\" cannot be read" >&2; exit 78; }
  GATEWAY_LISTEN="$GATEWAY_LISTEN ssl"
  GATEWAY_CERTIFICATE="ssl_certificate $cert; ssl_certificate_key $key;"
fi

# Only the names that the template holds: nginx's own variables stay as they are.
names=$(grep -o '\${[A-Z_]*}' "$1" | sort -u | tr '\n' ' ')
envsubst "$names" < "$1" > /tmp/server.conf

exec nginx -c /etc/nginx/main.conf -g 'daemon off;'
