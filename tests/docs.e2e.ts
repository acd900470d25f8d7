import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { call } from '#testing/client.ts'
import { useStack } from '#testing/shared-stack.ts'

describe('/docs/, through the gateway', function () {
  this.timeout(120_000)
  const stack = useStack()
  const get = async (path: string) => {
    const response = await fetch(new URL(path, stack.gateway))
    assert.equal(response.status, 200, path)
    return { text: await response.text(), headers: response.headers }
  }

  for (const page of ['/docs/', '/docs/orders.html', '/docs/payments.html', '/docs/events.html']) {
    it(`shows ${page} with everything it needs, from here alone and under a strict policy`, async () => {
      const { text, headers } = await get(page)
      assert.match(headers.get('content-type') ?? '', /^text\/html/)
      const policy = headers.get('content-security-policy') ?? ''
      assert.match(policy, /default-src 'self'/)
      assert.doesNotMatch(policy, /unsafe/)
      assert.doesNotMatch(text, /<script>|<style|\sstyle=|\son\w+=/)
      const addresses = [...text.matchAll(/\s(?:href|src|data-document)="([^"#]+)"/g)]
      assert.ok(addresses.length >= 6)
      for (const [, address = ''] of addresses) {
        assert.match(address, /^\//, `${address} is elsewhere`)
        await get(address)
      }
    })
  }

  it('serves the documents as they are in the repository', async () => {
    for (const [address, file] of [
      ['/openapi/orders.json', 'docs/generated/openapi/orders.json'],
      ['/openapi/payments.json', 'docs/generated/openapi/payments.json'],
      ['/asyncapi.json', 'docs/generated/asyncapi.json'],
    ] as const) {
      const { text, headers } = await get(address)
      assert.equal(text, readFileSync(file, 'utf8'))
      assert.match(headers.get('content-type') ?? '', /^application\/json/)
    }
  })

  it('leads from /docs to /docs/, on the port that was asked', async () => {
    const response = await fetch(new URL('/docs', stack.gateway), { redirect: 'manual' })
    assert.equal(response.status, 301)
    assert.equal(response.headers.get('location'), '/docs/')
  })

  it('serves nothing else', async () => {
    for (const path of [
      '/docs/nothing.html',
      '/docs/swagger-ui-bundle.js.map',
      '/openapi/',
      '/x.json',
    ]) {
      assert.equal((await call(stack.gateway, 'GET', path)).status, 404, path)
    }
  })
})
