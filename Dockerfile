# Two images. `processes`: the six processes, the migrations and the operator; docker-compose.yml says which
# one a container is. Node runs the .ts files as they are: there is no build. `frontend`: the page, its
# types stripped, and the documents of the interfaces, as files for nginx.
FROM node:26-bookworm-slim AS packages

ENV NODE_ENV=production
WORKDIR /app

COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force \
  && mv node_modules/swagger-ui-dist /swagger-ui


FROM packages AS page

COPY client client
COPY contracts contracts
COPY docs/generated docs/generated
COPY frontend frontend
RUN mv /swagger-ui node_modules/swagger-ui-dist \
  && node --disable-warning=ExperimentalWarning frontend/publish.ts /page


FROM nginx:1.30 AS frontend

COPY --from=page /page /frontend


FROM node:26-bookworm-slim AS processes

# As in local/stack/processes.ts, which says why.
ENV NODE_ENV=production MALLOC_ARENA_MAX=1
WORKDIR /app

COPY package.json package-lock.json ./
COPY --from=packages /app/node_modules node_modules
COPY chassis chassis
COPY idempotency idempotency
COPY contracts contracts
COPY messaging messaging
COPY migrations migrations
COPY orders-api orders-api
COPY orders-relay orders-relay
COPY orders-consumer orders-consumer
COPY payments-api payments-api
COPY payments-relay payments-relay
COPY payments-consumer payments-consumer
COPY operator operator
COPY rabbitmq-3.10 rabbitmq-3.10
COPY tracing tracing

# As in local/stack/processes.ts.
ENTRYPOINT ["node", "--max-semi-space-size=4", "--heap-growing-percent=30"]

# The code belongs to root: a process can read it and nothing more.
USER node
