import {
  Account,
  CreateAccount,
  LedgerEntry,
  LedgerPage,
  ListLedger,
  ToppedUp,
  TopUp,
} from '#contracts/payments-http.ts'
import { ProblemDocument } from '#contracts/problem.ts'
import { UserId } from '#contracts/user-id.ts'
import type { Api, Operation } from './operation.ts'
import { type Refusal, withKey, withUser } from './problems.ts'

const account = {
  user_id: 'alice',
  balance: '0.00',
  version: 0,
  created_at: '2026-01-31T11:59:00.000Z',
}
const topUpEntry = {
  tx_id: '01910f5d-90aa-7d02-8c11-0f9e8d7c6b5a',
  order_id: null,
  type: 'TOPUP',
  amount: '20.00',
  status: 'SUCCESS',
  created_at: '2026-01-31T11:59:30.000Z',
}
const debitEntry = {
  tx_id: '01910f5e-7b36-7a44-b5c6-1a2b3c4d5e6f',
  order_id: '01910f5e-7b2a-7c31-9d0e-6a1b2c3d4e5f',
  type: 'DEBIT',
  amount: '12.50',
  status: 'SUCCESS',
  created_at: '2026-01-31T12:00:00.012Z',
}

const path = {
  user_id: { schema: UserId, description: 'the user, who owns one account', example: 'alice' },
}
const noSuchAccount: Refusal = {
  when: 'unknown, malformed or of another user',
  detail: 'There is no such account.',
}
const invalid = (when: string, pointer: string, message: string): Refusal => ({
  when,
  detail: 'The request is invalid; see `errors`.',
  errors: [{ pointer, message }],
})

const createAccount: Operation = {
  id: 'createAccount',
  method: 'post',
  route: '/accounts',
  summary: 'Open an account',
  description: 'A user has one account. It begins with nothing on it.',
  body: { schema: 'CreateAccount', examples: { alice: { user_id: 'alice' } } },
  answer: {
    status: 201,
    description: 'The account is open.',
    schema: 'Account',
    examples: { opened: account },
    location: '/accounts/alice',
  },
  problems: {
    403: withUser,
    409: [{ when: 'exists', detail: 'This user has an account already.' }, withKey[409]],
    422: [
      invalid(
        'not the schema',
        '/user_id',
        'must be 1 to 128 characters of A–Z a–z 0–9 . _ : @ -, the first a letter or digit',
      ),
      withKey[422],
    ],
  },
}

const getAccount: Operation = {
  id: 'getAccount',
  method: 'get',
  route: '/accounts/{user_id}',
  summary: 'Read an account',
  description: 'Its balance is the sum of its ledger, at every moment.',
  path,
  answer: {
    status: 200,
    description: 'The account.',
    schema: 'Account',
    examples: { 'after an order': { ...account, balance: '7.50', version: 2 } },
  },
  problems: { 404: [noSuchAccount] },
}

const topUp: Operation = {
  id: 'topUp',
  method: 'post',
  route: '/accounts/{user_id}/topup',
  summary: 'Put money on an account',
  description: 'The ledger entry and the balance change together.',
  path,
  body: {
    schema: 'TopUp',
    examples: {
      'amount as a string': { amount: '20.00' },
      'amount as a number': { amount: 20 },
    },
  },
  answer: {
    status: 200,
    description: 'The money is there.',
    schema: 'ToppedUp',
    examples: {
      done: { user_id: 'alice', balance: '20.00', version: 1, tx_id: topUpEntry.tx_id },
    },
  },
  problems: {
    404: [noSuchAccount],
    409: [withKey[409]],
    422: [
      invalid(
        'not the schema',
        '/amount',
        'must be an amount from 0.01 to 9999999999999999.99 as "12.50" or 12.50, with two decimals at most',
      ),
      {
        when: 'too much for one account',
        detail: 'The balance would exceed 9999999999999999.99.',
        errors: [{ pointer: '/amount', message: 'is more than the account can hold' }],
      },
      withKey[422],
    ],
  },
}

const listLedger: Operation = {
  id: 'listLedger',
  method: 'get',
  route: '/accounts/{user_id}/ledger',
  summary: 'List what happened on an account, newest first',
  description: 'Page by page: repeat the call with `cursor` = `next_cursor` until that is null.',
  path,
  query: ListLedger,
  queryExamples: { limit: 20 },
  answer: {
    status: 200,
    description: 'A page of ledger entries.',
    schema: 'LedgerPage',
    examples: { 'one order': { items: [debitEntry, topUpEntry], next_cursor: null } },
  },
  problems: {
    404: [noSuchAccount],
    422: [invalid('not the schema', '/limit', 'must be 1 to 100, 20 if absent')],
  },
}

export const paymentsApi: Api = {
  title: 'Payments',
  description:
    'Accounts and their ledger. Orders are charged by events, not by a call: what happened to an order is in the ledger, once.',
  schemas: {
    CreateAccount,
    Account,
    TopUp,
    ToppedUp,
    LedgerEntry,
    LedgerPage,
    Problem: ProblemDocument,
  },
  operations: [createAccount, getAccount, topUp, listLedger],
}
