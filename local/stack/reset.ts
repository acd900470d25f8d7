import { removeState } from './remove-state.ts'
import { stateDirectory } from './settings.ts'

const stateDir = stateDirectory(process.env)
try {
  await removeState(stateDir)
  console.log(`Removed ${stateDir}`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}
