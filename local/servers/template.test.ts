import assert from 'node:assert/strict'
import { renderTemplate } from './template.ts'

/** `${NAME}`, which in a plain string looks like a mistake to the linter. */
const place = (name: string) => `$\{${name}}`

describe('renderTemplate', () => {
  it('replaces every occurrence of a given name', () => {
    const template = `${place('A')}-${place('B')}-${place('A')}`
    assert.equal(renderTemplate(template, { A: '1', B: '' }), '1--1')
  })

  it("leaves nginx's own variables and unknown names alone", () => {
    const template = `$host ${place('host')} ${place('OTHER')} $A`
    assert.equal(renderTemplate(template, { A: '1' }), template)
  })

  it('inserts values as they are, dollar signs and all', () => {
    assert.equal(renderTemplate(place('ZONE'), { ZONE: '$binary $& $1' }), '$binary $& $1')
  })
})
