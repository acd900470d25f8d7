# One image for the six processes, the migrations and the operator; docker-compose.yml says which one a container is.
# Node runs the .ts files as they are: there is no build.
FROM node:26-bookworm-slim

ENV NODE_ENV=production
WORKDIR /app

COPY package.json package-lock.json ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund && npm cache clean --force

COPY chassis chassis
COPY contracts contracts
COPY migrations migrations
COPY orders-api orders-api
COPY orders-relay orders-relay
COPY orders-consumer orders-consumer
COPY payments-api payments-api
COPY payments-relay payments-relay
COPY payments-consumer payments-consumer
COPY operator operator

# The code belongs to root: a process can read it and nothing more.
USER node
