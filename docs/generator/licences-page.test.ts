import assert from 'node:assert/strict'
import { licencesPage, shippedPackages } from './licences-page.ts'

/** They ask for no more than to be named, which their texts in the image do. */
const allowed = ['Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT']

describe('the packages in production', () => {
  it('have licences that may be used', () => {
    const others = shippedPackages().filter(({ licence }) => !allowed.includes(licence))
    assert.deepEqual(others, [])
  })

  it('are those of package.json, and what they need', () => {
    const names = shippedPackages().map(({ name }) => name)
    for (const name of ['koa', 'pg', 'amqplib', 'rascal']) assert.ok(names.includes(name), name)
    for (const name of ['mocha', 'typescript', '@biomejs/biome'])
      assert.ok(!names.includes(name), name)
  })

  it('are on the page once each', () => {
    const lines = licencesPage().match(/^- .*$/gm) ?? []
    assert.equal(new Set(lines).size, lines.length)
    assert.ok(lines.length > 100)
  })
})
