import assert from 'node:assert/strict'
import { eventually } from '#testing/eventually.ts'
import { Client, type Loss } from './client.ts'

describe('a client whose token cannot be had', () => {
  const signedOut = new Error('signed out')
  const client = new Client({
    gateway: 'http://127.0.0.1:1',
    token: () => Promise.reject(signedOut),
  })

  it('throws why, at once', async () => {
    await assert.rejects(client.getOrder('any'), signedOut)
  })

  it('says why it is lost, and tries again', async () => {
    const losses: Loss[] = []
    const following = client.follow({
      onOrder: () => {},
      onState: (_, loss) => void (loss && losses.push(loss)),
    })
    await eventually(() => losses.length >= 2)
    following.close()
    for (const { error } of losses) assert.equal(error, signedOut)
  })
})
