// Runs before the npm scripts that start servers without `npm start`: brings what npm cannot. Names
// on the command line are wanted besides the servers.
import { ensureSystemPackages, isSystemPackage } from './system-packages.ts'

try {
  const more = process.argv.slice(2).filter(isSystemPackage)
  await ensureSystemPackages(['rabbitmq-server', 'nginx', ...more], (line) => console.error(line))
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
