# Images. `processes`: the six processes, the migrations and the operator; docker-compose.yml says which
# one a container is. `frontend`: the page, its types stripped, and the documents of the interfaces, as
# files for nginx. `demo-provider`: where the page signs in, for a look, and never in production.
FROM node:26-bookworm-slim AS packages

ENV NODE_ENV=production
WORKDIR /app

COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force \
  && mkdir /page-packages && mv node_modules/swagger-ui-dist node_modules/oauth4webapi /page-packages


FROM packages AS page

COPY client client
COPY contracts contracts
COPY docs/generated docs/generated
COPY frontend frontend
RUN mv /page-packages/* node_modules \
  && node --disable-warning=ExperimentalWarning frontend/publish.ts /page


FROM nginx:1.30 AS frontend

COPY --from=page /page /frontend


FROM node:26-bookworm-slim AS demo-provider

WORKDIR /app

COPY package.json package-lock.json ./
RUN npm ci --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force

COPY chassis/config.ts chassis/
COPY demo-provider demo-provider
RUN mkdir /data && chown node /data
USER node
ENTRYPOINT ["node", "demo-provider/main.ts"]


FROM node:26-bookworm-slim AS code

WORKDIR /app

COPY package.json package-lock.json ./
COPY chassis chassis
COPY idempotency idempotency
COPY http http
COPY principal principal
COPY contracts contracts
COPY limits limits
COPY messaging messaging
COPY metrics metrics
COPY migrations migrations
COPY orders-api orders-api
COPY orders-relay orders-relay
COPY orders-consumer orders-consumer
COPY payments-api payments-api
COPY payments-relay payments-relay
COPY payments-consumer payments-consumer
COPY operator operator
COPY client client
COPY frontend frontend
COPY rabbitmq-3.10 rabbitmq-3.10
COPY roles roles
COPY tracing tracing
COPY workers workers


# One file for each of the six processes. The program of esbuild is an optional package.
FROM node:26-bookworm-slim AS bundles

WORKDIR /app

COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && npm cache clean --force

COPY --from=code /app ./
COPY local/bundle local/bundle
COPY local/stack/paths.ts local/stack/ports.ts local/stack/
RUN node --disable-warning=ExperimentalWarning local/bundle/main.ts /bundles


FROM code AS processes

# As in local/stack/processes.ts, which says why.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1 NODE_COMPILE_CACHE=/cache

COPY --from=packages /app/node_modules node_modules
COPY --from=bundles /bundles dist

# As in local/stack/processes.ts.
ENTRYPOINT ["node", "--max-semi-space-size=4", "--heap-growing-percent=30", "--enable-source-maps"]

# The code belongs to root: a process can read it and nothing more.
RUN mkdir /cache && chown node /cache
USER node

# Without its settings each process ends with 78, and leaves its compiled code.
RUN for bundle in dist/*.cjs; do \
    node --max-semi-space-size=4 --heap-growing-percent=30 --enable-source-maps $bundle 2> /dev/null; \
    test $? = 78 || exit 1; \
  done
