import { ApiProblem } from '#client/client.ts'
import type { Account } from '#contracts/payments-http.ts'
import { api } from '../lib/api.ts'

/** The account of a user; a new user gets a new one. */
export async function openAccount(userId: string): Promise<Account> {
  try {
    return await api.createAccount(userId)
  } catch (error) {
    const exists = error instanceof ApiProblem && error.problem.type === '/problems/conflict'
    if (!exists) throw error
    return api.getAccount(userId)
  }
}
