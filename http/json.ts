import type { Context } from 'koa'

/**
 * Sends a value as JSON. As text: Koa looks whether an object is a `Response`, and Node loads all
 * of undici for that.
 */
export function sendJson(ctx: Context, value: unknown): void {
  ctx.type = 'application/json'
  ctx.body = JSON.stringify(value)
}
