-- Up Migration

CREATE TABLE installation (
  single_row boolean PRIMARY KEY DEFAULT true CONSTRAINT installation_single_row CHECK (single_row),
  id         uuid NOT NULL,
  service    text NOT NULL CONSTRAINT installation_service CHECK (service IN ('orders', 'payments'))
);
COMMENT ON TABLE installation IS
  'Which installation this database belongs to: one row, written by the first run of the migrations.';
COMMENT ON COLUMN installation.single_row IS 'Always true: there is one row.';
COMMENT ON COLUMN installation.id IS
  'The same in the databases of both services, and in the virtual host of RabbitMQ, which belongs to one installation.';
COMMENT ON COLUMN installation.service IS 'Whose database it is of the two.';
