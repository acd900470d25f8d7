import type { Logger } from './logger.ts'

interface Closable {
  close: () => unknown
}

/** The resources of a process: closed in reverse order, each even if closing another one fails. */
export class Resources {
  readonly #open: Closable[] = []

  use<T extends Closable>(resource: T): T {
    this.#open.push(resource)
    return resource
  }

  async closeAll(logger: Logger): Promise<void> {
    for (const resource of this.#open.splice(0).reverse()) {
      try {
        await resource.close()
      } catch (error) {
        logger.warn({ err: error }, 'a resource could not be closed')
      }
    }
  }
}
