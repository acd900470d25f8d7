import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { repositoryDir } from './paths.ts'
import { nodeEnvironment, nodeFlags } from './processes.ts'

describe('the flags and the environment of Node', () => {
  it('are the same in containers', () => {
    const dockerfile = readFileSync(join(repositoryDir, 'Dockerfile'), 'utf8')
    const entrypoint = ['node', ...nodeFlags].map((word) => JSON.stringify(word)).join(', ')
    assert.ok(dockerfile.includes(`ENTRYPOINT [${entrypoint}]`))
    assert.ok(dockerfile.includes(` MALLOC_ARENA_MAX=${nodeEnvironment.MALLOC_ARENA_MAX} `))
  })
})
