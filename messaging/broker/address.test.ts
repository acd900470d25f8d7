import assert from 'node:assert/strict'
import { readConfig } from '#chassis/config.ts'
import { brokerAddresses, brokerUrl, shuffledNodes, virtualHost, withoutLogins } from './address.ts'

describe('AMQP_URL', () => {
  const read = (value: string) =>
    readConfig({ AMQP_URL: value }, { url: brokerUrl('AMQP_URL') }).url
  const nodes = ['amqp://u:p@a/shop', 'amqps://u:p@[::1]/shop', 'amqp://v:a,b@c:5673/shop']

  it('names one node or several, with commas, each with a login that may have a comma', () => {
    assert.equal(read(nodes.join(' , ')), nodes.join(','))
    assert.equal(read('amqp://u:a,b@c'), 'amqp://u:a,b@c')
    assert.deepEqual(brokerAddresses(nodes.join(',')), [
      { host: 'a', port: 5_672 },
      { host: '::1', port: 5_671 },
      { host: 'c', port: 5_673 },
    ])
    assert.equal(virtualHost(nodes.join(',')), 'shop')
    assert.equal(virtualHost('amqp://a,amqp://b'), '/')
  })

  it('is tried in any order, each node once', () => {
    const orders = Array.from({ length: 100 }, () => shuffledNodes(nodes.join(',')))
    for (const order of orders) assert.deepEqual(order.toSorted(), nodes.toSorted())
    assert.equal(new Set(orders.map(([first]) => first)).size, 3)
  })

  it('is shown without logins', () => {
    assert.equal(withoutLogins(nodes.slice(1).join(',')), 'amqps://[::1]/shop, amqp://c:5673/shop')
  })

  for (const [list, said] of [
    ['amqp://a,http://b', /must be a URL that starts with amqp:/],
    ['amqp://u:secret@a:5672,b:5672', /must be a URL that starts with amqp:/],
    ['amqp://a,amqp://u:sec/ret@b', /special characters of user name and password/],
    ['amqp://a/one,amqp://b/two', /one cluster: these have different virtual hosts/],
    ['amqp://a,amqp://b?cacertfile=/x.pem', /without TLS: use amqps/],
  ] as const) {
    it(`is refused as ${list.replace(/sec\/?ret/, '…')}, without a password`, () => {
      assert.throws(
        () => read(list),
        ({ message }: Error) => said.test(message) && !/sec|ret@/.test(message),
      )
    })
  }
})
