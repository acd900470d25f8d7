-- For psql, as administrator, whenever the profile starts: the role of the exporter, which sees statistics and
-- no row of any table. psql takes the password from the environment: no argument shows it.
\set ON_ERROR_STOP on
\getenv password MONITORING_PASSWORD
SELECT NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'monitoring') AS missing \gset
\if :missing
  CREATE ROLE monitoring;
\endif
ALTER ROLE monitoring LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION CONNECTION LIMIT 5
  PASSWORD :'password';
GRANT pg_monitor TO monitoring;
