import assert from 'node:assert/strict'
import { connectionWarning } from './connections.ts'
import { parseScale } from './options.ts'

describe('connectionWarning', () => {
  it('says nothing of one replica of each, nor of two', () => {
    assert.equal(connectionWarning(parseScale([]), 300), undefined)
    const two = ['orders-api=2', 'orders-relay=2', 'orders-consumer=2', 'payments-api=2']
    assert.equal(connectionWarning(parseScale(two), 300), undefined)
  })

  it('has the figures when the replicas may open more connections than PostgreSQL takes', () => {
    const scale = parseScale(['orders-api=10', 'payments-consumer=5'])
    assert.equal(
      connectionWarning(scale, 300),
      'Warning: the replicas may open 338 connections together, and PostgreSQL takes 297 (max_connections = 300): under load some requests are answered with 503',
    )
  })
})
