import type { asyncApi } from './asyncapi.ts'
import { type Field, fieldsOf, formsOf, type Schema } from './fields.ts'
import { type Html, html } from './html.ts'

type Document = ReturnType<typeof asyncApi>

interface Channel {
  address: string
  title: string
  summary: string
  description?: string
  messages: Record<string, unknown>
  bindings: { amqp?: { exchange: { name: string } } }
}

interface Operation {
  action: string
  title: string
  summary?: string
  channel: { $ref: string }
  messages: { $ref: string }[]
}

interface Message {
  name: string
  summary: string
  description?: string
  payload: { $ref: string }
  examples: { name: string; payload: unknown }[]
}

/** The AsyncAPI document as a page: no script, so that it is there at once and under any policy. */
export function eventsPage(document: Document): string {
  const channels = Object.entries(document.channels) as unknown as [string, Channel][]
  return `<!doctype html>\n${
    html`<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Events · Orders &amp; Payments</title>
    <link rel="icon" href="/favicon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/docs/docs.css">
  </head>
  <body>
    <header>
      <nav aria-label="Documents">
        <a href="/">Orders &amp; Payments</a>
        <a href="/docs/">Interfaces</a>
        <a href="/docs/orders.html">Orders</a>
        <a href="/docs/payments.html">Payments</a>
        <a href="/docs/events.html" aria-current="page">Events</a>
      </nav>
    </header>
    <main class="prose">
      <h1>Events and WebSocket</h1>
      <p class="lead">${marked(document.info.description)} <a href="/asyncapi.json">AsyncAPI 3.0</a></p>
      ${servers(document)}
      <nav aria-label="Channels"><ul>
        ${channels.map(([id, { title, summary }]) => html`<li><a href="#${id}">${title}</a>: ${summary}</li>`)}
      </ul></nav>
      ${channels.map(([id, channel]) => channelSection(document, id, channel))}
    </main>
  </body>
</html>
`.text
  }`
}

const servers = ({ servers }: Document): Html => html`<dl>
        ${Object.entries(servers).map(
          ([name, { protocol, host, description }]) =>
            html`<dt>${name}</dt><dd><code>${protocol}://${host}</code> ${description}</dd>`,
        )}
      </dl>`

function channelSection(document: Document, id: string, channel: Channel): Html {
  const operations = (Object.values(document.operations) as unknown as Operation[]).filter(
    (operation) => operation.channel.$ref === `#/channels/${id}`,
  )
  const messages = Object.values(document.components.messages) as unknown as Message[]
  const here = messages.filter(({ name }) => name in channel.messages)
  const exchange = channel.bindings.amqp?.exchange.name
  return html`
      <section id="${id}">
        <h2>${channel.title}</h2>
        <p>${channel.summary}. ${marked(channel.description ?? '')}</p>
        <dl>
          ${exchange && html`<dt>exchange</dt><dd><code>${exchange}</code>, topic, durable</dd>`}
          <dt>${exchange ? 'routing key' : 'address'}</dt><dd><code>${channel.address}</code></dd>
          ${operations.map(operationLine)}
        </dl>
        ${here.map((message) => messageCard(document, message, here.length === 1))}
      </section>`
}

const operationLine = ({ action, title, summary, messages }: Operation): Html => {
  const names = messages.map(({ $ref }) => html`<code>${$ref.split('/').at(-1)}</code> `)
  return html`<dt>${action}</dt><dd>${title}${messages.length > 1 && html`: ${names}`}${
    action === 'receive' && summary && html`. ${summary}`
  }.</dd>`
}

function messageCard({ components }: Document, message: Message, isAlone: boolean): Html {
  const find = (ref: string) => components.schemas[ref.split('/').at(-1) ?? ''] as unknown as Schema
  const forms = formsOf(message.payload, find)
  return html`
        <article class="card">
          ${!isAlone && html`<h3>${message.name}</h3><p>${message.summary}.</p>`}
          ${message.description && html`<p>${marked(message.description)}</p>`}
          ${forms.map((form, index) => [
            index > 0 ? html`<p class="soft">or</p>` : html``,
            fieldsTable(
              index > 0 ? `${message.name}, other form` : message.name,
              fieldsOf(form, find),
            ),
          ])}
          ${message.examples.map(
            ({ name, payload }) => html`<details open><summary>Example: ${name}</summary>
<pre tabindex="0"><code>${JSON.stringify(payload, null, 2)}</code></pre></details>`,
          )}
        </article>`
}

const fieldsTable = (
  name: string,
  fields: Field[],
): Html => html`<div class="scroll" tabindex="0" role="region" aria-label="Fields of ${name}"><table class="fields">
            <thead><tr><th scope="col">field</th><th scope="col">type</th><th scope="col">what it is</th></tr></thead>
            <tbody>
            ${fields.map(
              (
                field,
              ) => html`<tr><td><code>${field.name}</code>${field.required ? '' : html` <span class="soft">optional</span>`}</td><td>${field.type}</td><td>${field.description}</td></tr>
            `,
            )}</tbody>
          </table></div>`

/** `code` in a description. */
const marked = (text: string): Html[] =>
  text.split('`').map((part, index) => (index % 2 ? html`<code>${part}</code>` : html`${part}`))
