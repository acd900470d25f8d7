import { repositoryDir } from '../stack/paths.ts'
import { processNames } from '../stack/ports.ts'
import { bundle } from './bundle.ts'

// For the image: bundles the six processes into the folder of the first argument.
const [dir = 'dist'] = process.argv.slice(2)
await bundle(processNames, repositoryDir, dir)
