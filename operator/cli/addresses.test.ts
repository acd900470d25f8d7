import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findAddresses, repositoryDir } from './addresses.ts'

describe('the addresses of the operator', () => {
  it('are read in the folder of the repository, where npm start writes them', () => {
    assert.ok(existsSync(join(repositoryDir, 'package.json')), repositoryDir)
  })

  it('are those of the local stack when the environment has none', () => {
    const dir = mkdtempSync(join(tmpdir(), 'addresses-'))
    try {
      mkdirSync(join(dir, 'run'))
      const written = { amqp_url: 'amqp://a', orders_database_url: 'postgres://o' }
      const all = { ...written, payments_database_url: 'postgres://p' }
      writeFileSync(join(dir, 'run/addresses.json'), JSON.stringify(all))
      assert.deepEqual(findAddresses({ LOCAL_DIR: dir }, 'amqp'), {
        amqp: 'amqp://a',
        ordersDatabase: 'postgres://o',
        paymentsDatabase: 'postgres://p',
      })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })
})
