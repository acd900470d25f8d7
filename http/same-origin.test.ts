import assert from 'node:assert/strict'
import { isSameOrigin } from './same-origin.ts'

describe('isSameOrigin', () => {
  for (const [origin, host] of [
    [undefined, 'shop.example'],
    ['https://shop.example', 'shop.example'],
    ['https://shop.example', 'shop.example:443'],
    ['http://shop.example', 'shop.example:80'],
    ['http://shop.example', 'Shop.Example'],
    ['https://shop.example:8443', 'shop.example:8443'],
    ['http://[::1]:8080', '[::1]:8080'],
    ['http://[::1]', '[0:0::1]:80'],
  ]) {
    it(`lets in a page of ${origin} at Host: ${host}`, () => {
      assert.equal(isSameOrigin({ origin, host }), true)
    })
  }

  for (const [origin, host] of [
    ['https://elsewhere.example', 'shop.example'],
    ['https://shop.example', 'shop.example:80'],
    ['http://shop.example', 'shop.example:443'],
    ['https://shop.example:8443', 'shop.example'],
    ['null', 'shop.example'],
    ['null', 'null'],
    ['', ''],
    ['file://', ''],
    ['file://shop.example', 'shop.example'],
    ['https://shop.example', undefined],
    ['https://shop.example', ''],
    ['https://shop.example', 'elsewhere.example@shop.example'],
    ['https://shop.example', 'shop.example/path'],
  ]) {
    it(`refuses a page of ${origin} at Host: ${host}`, () => {
      assert.equal(isSameOrigin({ origin, host }), false)
    })
  }
})
