#!/bin/sh
# Fills in a template and becomes nginx. Used in place of the image's own entrypoint: a rate limit of 0, or
# no certificate, means that directives are left out, a page that is switched off that one is put in, and
# the page signs in only where that is configured. envsubst knows no conditions. local/stack/sign-in.ts
# does the same.
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

# The operator's page: only where tokens say who calls.
export OPERATOR_PAGE_OFF='return 404;'
if [ "${OPERATOR_PAGE:-off}" != off ] && [ "${AUTH_MODE:-off}" = jwt ]; then OPERATOR_PAGE_OFF=''; fi
export AUTH_MODE="${AUTH_MODE:-off}" JWT_ISSUER="${JWT_ISSUER:-}" OIDC_CLIENT_ID="${OIDC_CLIENT_ID:-}" OIDC_ORIGIN=''
export OIDC_SCOPE="${OIDC_SCOPE:-openid orders payments}" OIDC_RESOURCE="${OIDC_RESOURCE:-}"
if [ "$AUTH_MODE" = jwt ] && [ -n "$OIDC_CLIENT_ID" ]; then
  OIDC_ORIGIN=$(printf %s "$JWT_ISSUER" | sed -nE 's|^(https?://[^/?#]+).*|\1|p')
  if [ -z "$OIDC_ORIGIN" ]; then
    echo 'OIDC_CLIENT_ID needs a JWT_ISSUER that is a URL, where the page signs in' >&2; exit 78
  fi
else
  JWT_ISSUER='' OIDC_CLIENT_ID=''
fi
case $AUTH_MODE$JWT_ISSUER$OIDC_CLIENT_ID$OIDC_SCOPE$OIDC_RESOURCE in
  *[!A-Za-z0-9_.~:/?\#@!\&\(\)*+,=%\ -]*)
    echo 'JWT_ISSUER, OIDC_CLIENT_ID, OIDC_SCOPE or OIDC_RESOURCE has a character that it cannot have' >&2; exit 78 ;;
esac

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
