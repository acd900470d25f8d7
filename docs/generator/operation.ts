import type { TObject, TSchema } from 'typebox'
import type { ProblemStatus, Refusal } from './problems.ts'

/** One call of an API, as its document shows it. What its schemas say is what runs. */
export interface Operation {
  id: string
  method: 'get' | 'post'
  /** With `{name}` for what is in `path`. */
  route: string
  summary: string
  description: string
  path?: Record<string, Parameter>
  query?: TObject
  /** Examples of its query, by name. */
  queryExamples?: Record<string, string | number>
  /** The body's schema by its name in the document, with examples by what they show. */
  body?: { schema: string; examples: Record<string, object>; isOptional?: true }
  answer: Answer
  /** Besides what may happen to every call: each way to be refused, in the words of the answer. */
  problems: Partial<Record<ProblemStatus, Refusal[]>>
}

export interface Parameter {
  schema: TSchema
  description: string
  example: string
}

export interface Answer {
  status: 200 | 201
  description: string
  schema: string
  examples: Record<string, object>
  /** Where what was made can be found. */
  location?: string
}

/** An API: what a document is made from. */
export interface Api {
  title: string
  description: string
  schemas: Record<string, TSchema>
  operations: Operation[]
}
