import assert from 'node:assert/strict'
import { applyEdit, type Edit } from './edit.ts'
import { undeclaredIn } from './undeclared.ts'

const source = `
import { publish } from './publish.ts'
const limit: number = 20
const policy = { slow: 'hold', fast: { slow: 'split' } }
export class Relay {
  #open = true
  async turn(trx: Trx, batch: Event[]): Promise<void> {
    const rows = await sql\`
      SELECT id
        FROM outbox FOR UPDATE SKIP LOCKED\`.execute(trx)
    if (rows.length > 0) await mark(trx, (rows as Row[]).map(({ id }) => id), 'x')
    await publish(batch, this.#open)
    await publish(rows, this.#open)
  }
}
const idle = () => pause(1_000)
`
const edited = (edit: Omit<Edit, 'at'> & { in: string }) =>
  applyEdit(source, { at: `relay.ts ${edit.in}`, ...edit })

const changed = (edit: Parameters<typeof edited>[0]) => {
  const before = source.split('\n')
  return edited(edit)
    .split('\n')
    .filter((line, index) => line !== before[index])
    .map((line) => line.trim())
}

describe('an edit', () => {
  it('replaces the value of a name, and the body of a function', () => {
    assert.deepEqual(changed({ in: 'limit', put: '1' }), ['const limit: number = 1'])
    assert.deepEqual(changed({ in: 'idle', put: '{}' }), ['const idle = () => {}'])
    assert.deepEqual(changed({ in: 'fast.slow', put: "'hold'" }), [
      "const policy = { slow: 'hold', fast: { slow: 'hold' } }",
    ])
    assert.match(edited({ in: 'Relay.turn', put: '{}' }), /Promise<void> \{\}\n\}/)
    assert.match(edited({ in: 'Relay.#open', put: 'false' }), /#open = false/)
  })

  it('finds code whatever it calls its values, and puts them in', () => {
    assert.deepEqual(
      changed({ in: 'turn', find: 'await mark($trx, $ids, ...$$rest)', put: 'f($$rest, $ids)' }),
      ["if (rows.length > 0) f('x', (rows as Row[]).map(({ id }) => id))"],
    )
    assert.deepEqual(changed({ in: 'turn', find: '$rows.length > 0', put: 'true' }), [
      "if (true) await mark(trx, (rows as Row[]).map(({ id }) => id), 'x')",
    ])
  })

  it('keeps the parentheses of what it puts in', () => {
    const find = '$rows.map($id)'
    assert.match(
      edited({ in: 'turn', find, put: '$rows.filter(f)' }),
      /\(rows as Row\[\]\)\.filter/,
    )
  })

  it('finds SQL however it is laid out', () => {
    const sql = 'SELECT id FROM outbox FOR UPDATE SKIP LOCKED'
    assert.match(edited({ in: 'turn', sql, put: 'SELECT' }), /sql`\s+SELECT`/)
    assert.equal(applyEdit('a  UNIQUE (b),', { at: 'x.sql', sql: 'UNIQUE (b),', put: '' }), 'a  ')
  })

  const refused: [Parameters<typeof edited>[0], RegExp][] = [
    [{ in: 'Relay.step', put: '' }, /relay\.ts Relay\.step is there 0 times/],
    [{ in: 'slow', put: '' }, /slow is there 2 times/],
    [{ in: 'turn', find: 'publish($batch, $open)', put: '' }, /2 times, not once: publish/],
    [{ in: 'turn', find: 'publish($one)', put: '' }, /0 times, not once: publish/],
    [{ in: 'idle', sql: 'FOR UPDATE', put: '' }, /0 times, not once: FOR UPDATE/],
    [{ in: 'turn', find: 'mark($x, $x, $y)', put: '' }, /0 times/],
  ]
  for (const [edit, message] of refused) {
    it(`is refused when it does not name one place: ${JSON.stringify(edit)}`, () => {
      assert.throws(() => edited(edit), message)
    })
  }

  it('says which of its names nobody declares', () => {
    const undeclared = (put: string) => undeclaredIn(source, { at: 'relay.ts Relay.turn', put })
    assert.deepEqual(undeclared('publish(batch, rows, limit, $any, Date.now())'), [])
    assert.deepEqual(undeclared('const a = f(batch.length); [1].map((b) => a + b + c)'), ['f', 'c'])
  })
})
