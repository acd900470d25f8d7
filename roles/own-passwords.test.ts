import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { randomPassword, withOwnPasswords } from './own-passwords.ts'

describe('own passwords', () => {
  const example = readFileSync('.env.example', 'utf8')

  it('replace each default one, and each is another', () => {
    const { text, names } = withOwnPasswords(example)
    assert.ok(names.length > 10)
    assert.doesNotMatch(text, /-for-development/)
    const passwords = [...text.matchAll(/^\w+_PASSWORD=(.*)$/gm)].map(([, password]) => password)
    assert.equal(new Set(passwords).size, names.length)
  })

  it('change nothing else, and none that somebody has set', () => {
    const set = example.replace(/^(MIGRATIONS_PASSWORD)=.*/m, '$1=mine')
    const { text, names } = withOwnPasswords(set, () => 'x')
    assert.ok(!names.includes('MIGRATIONS_PASSWORD'))
    assert.equal(
      text,
      set.replaceAll(/\S+-for-development/g, (found) => found.replace(/=.*/, '=x')),
    )
    assert.deepEqual(withOwnPasswords(text), { text, names: [] })
  })

  it('can be part of a URL as they are', () => {
    const password = randomPassword()
    assert.equal(new URL(`amqp://user:${password}@host`).password, password)
    assert.ok(password.length >= 32)
  })

  it('are for all that docker-compose.yml has a default for', () => {
    const compose = readFileSync('docker-compose.yml', 'utf8')
    const { names } = withOwnPasswords(example)
    const used = [...compose.matchAll(/\$\{(\w+):-[a-z-]+-for-development\}/g)]
    assert.deepEqual([...new Set(used.map(([, name]) => name))].sort(), names.sort())
  })
})
