import assert from 'node:assert/strict'
import { withoutLogins } from './logger.ts'

describe('withoutLogins', () => {
  for (const login of [
    'tom:swordfish',
    ':swordfish',
    'swordfish',
    'tom:sword@fish/raw',
    't%3Ac:s;w',
  ]) {
    it(`takes ${login} out of a URL, wherever the URL is`, () => {
      const line = `{"err":{"message":"at amqp://${login}@host:1/v, or \\"postgres://${login}@[::1]/db\\""}}`
      const said = '{"err":{"message":"at amqp://***@host:1/v, or \\"postgres://***@[::1]/db\\""}}'
      assert.equal(withoutLogins(line), said)
    })
  }

  it('takes a password out of the parameters of a URL', () => {
    const said = withoutLogins('"postgres:///db?user=tom&password=s%40w&host=/run"')
    assert.equal(said, '"postgres:///db?user=tom&password=***&host=/run"')
  })

  it('leaves everything else as it is', () => {
    const line = '{"url":"http://host/a","msg":"sent to tom@cat","user":"a:b@c"}'
    assert.equal(withoutLogins(line), line)
  })
})
