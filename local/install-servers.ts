// Runs before the npm scripts that start servers without `npm start`: brings what npm cannot.
import { ensureSystemPackages } from './system-packages.ts'

try {
  await ensureSystemPackages(['rabbitmq-server', 'nginx'], (line) => console.error(line))
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
