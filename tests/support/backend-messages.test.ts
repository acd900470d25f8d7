import assert from 'node:assert/strict'
import fc from 'fast-check'
import { BackendMessages } from './backend-messages.ts'

/** A message as PostgreSQL writes it. */
function message(type: string, content = ''): Buffer {
  const head = Buffer.alloc(5, type)
  head.writeUInt32BE(4 + Buffer.byteLength(content), 1)
  return Buffer.concat([head, Buffer.from(content)])
}

const request = (code: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32BE(8)
  bytes.writeUInt32BE(code, 4)
  return bytes
}
const sslRequest = request(80_877_103)
const gssRequest = request(80_877_104)
const startup = Buffer.from('\0\0\0\x15\0\x03\0\0user\0somebody\0\0')

/** What comes through of these bytes, in chunks of so many. */
function pass(clientSaid: Buffer[], serverSays: Buffer, chunkBytes = serverSays.length): Buffer {
  const messages = new BackendMessages(() => Buffer.concat(clientSaid).toString('latin1'))
  const passed: Buffer[] = []
  for (let at = 0; at < serverSays.length; at += chunkBytes) {
    const chunk = serverSays.subarray(at, at + chunkBytes)
    passed.push(messages.pass(chunk, true))
  }
  return Buffer.concat(passed)
}

const ready = [message('R', '\0\0\0\0'), message('S', 'TimeZone\0UTC\0'), message('Z', 'I')]
const news = message('A', '\0\0\x04\xd2news\0A payload with an A\0')
const row = message('D', 'AAAA')
const talk = Buffer.concat([...ready, news, row, news, news, message('I'), row, news])
const withoutNews = Buffer.concat([...ready, row, message('I'), row])

describe('the messages of a PostgreSQL server', () => {
  it('come without notifications, however they are cut into chunks', () => {
    for (let chunkBytes = 1; chunkBytes <= talk.length; chunkBytes++) {
      assert.deepEqual(pass([startup], talk, chunkBytes), withoutNews, `${chunkBytes} bytes`)
    }
  })

  it('come as they are when nothing is dropped', () => {
    const messages = new BackendMessages(() => startup.toString('latin1'))
    assert.deepEqual(messages.pass(talk), talk)
  })

  it('come after the answers to requests to encrypt, which look like the beginning of a message', () => {
    const refused = Buffer.concat([Buffer.from('NN'), talk])
    for (const chunkBytes of [1, 2, 7, refused.length]) {
      const passed = pass([gssRequest, sslRequest, startup], refused, chunkBytes)
      assert.deepEqual(passed, Buffer.concat([Buffer.from('NN'), withoutNews]))
    }
  })

  it('pass as they are once they are encrypted', () => {
    const encrypted = Buffer.concat([Buffer.from('S'), talk])
    assert.deepEqual(pass([sslRequest], encrypted, 3), encrypted)
    assert.deepEqual(pass([Buffer.from('\x16\x03\x01', 'latin1')], talk, 3), talk)
  })

  it('are dropped whole or not at all, when that changes in their midst', () => {
    const messages = new BackendMessages(() => startup.toString('latin1'))
    const [middle, end] = [news.length >> 1, news.length]
    const passed = [
      messages.pass(news.subarray(0, middle), true),
      messages.pass(Buffer.concat([news.subarray(middle, end), news.subarray(0, 2)])),
      messages.pass(Buffer.concat([news.subarray(2), row]), true),
    ]
    assert.deepEqual(Buffer.concat(passed), Buffer.concat([news, row]))
  })

  it('are found whatever they contain', () => {
    const types = fc.constantFrom('A', 'D', 'N', 'S', 'E', 'Z')
    const all = fc.array(fc.tuple(types, fc.string({ maxLength: 300 })), { maxLength: 20 })
    fc.assert(
      fc.property(all, fc.integer({ min: 1, max: 64 }), (said, chunkBytes) => {
        const bytes = (of: typeof said) => Buffer.concat(of.map((one) => message(...one)))
        const others = said.filter(([type]) => type !== 'A')
        assert.deepEqual(pass([startup], bytes(said), chunkBytes), bytes(others))
      }),
    )
  })
})
