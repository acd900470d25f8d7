#!/usr/bin/env bash
# node-pg-migrate 9.0.0: which part of a SQL file runs is decided by comments, and not the way they look.
#
# Surprise 1: a file that has a `-- Down Migration` part, and above it no `-- Up Migration`, is run from the first to the last
# line when it migrates up: what it creates is dropped in the same moment, and it counts as run.
# Surprise 2: any comment line that begins with "up migration", in any case, begins the up part. What stands above it (here: a
# table) is left out without a word, and the file counts as run.
#
# Seen on 2026-11-30 with node-pg-migrate 9.0.0.
# What follows from it here: migrations/files.test.ts, for the files of this project.
set -euo pipefail

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
echo '{"type":"module","private":true}' >package.json
npm install --silent --no-audit --no-fund node-pg-migrate@9.0.0 pg@8.23.1 >/dev/null

cat >no-up.sql <<'SQL'
CREATE TABLE shops (id int);

-- Down Migration
DROP TABLE shops;
SQL
cat >comment.sql <<'SQL'
CREATE TABLE shops (id int);

-- Up migration 7 counts on this index:
CREATE INDEX shops_id ON shops (id);
SQL
cat >read.mjs <<'JS'
import { sqlMigration } from 'node-pg-migrate/sqlMigration'

/** The statements that migrating up runs. */
const upOf = async (file) => {
  const said = []
  const { up } = await sqlMigration(file)
  up({ sql: (text) => said.push(text) })
  return said.join('\n')
}
const [noUp, comment] = [await upOf('no-up.sql'), await upOf('comment.sql')]
console.log(`up of no-up.sql:\n${noUp}\nup of comment.sql:\n${comment}`)
const isAsWritten = noUp.includes('DROP TABLE') && !comment.includes('CREATE TABLE')
process.exit(isAsWritten ? 0 : 1)
JS
node read.mjs
