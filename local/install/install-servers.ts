// Runs before the npm scripts that start servers without `npm start`: installs the packages that
// npm does not have. Arguments name further packages.
import { ensureSystemPackages, isSystemPackage } from './system-packages.ts'

try {
  const more = process.argv.slice(2).filter(isSystemPackage)
  await ensureSystemPackages(['rabbitmq-server', 'nginx', ...more], (line) => console.error(line))
} catch (error) {
  console.error((error as Error).message)
  process.exit(1)
}
