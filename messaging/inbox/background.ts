/** Work that nobody waits for now, but somebody at the end. It must not reject. */
export class Background {
  readonly #running = new Set<Promise<void>>()

  run(work: Promise<void>): void {
    const tracked = work.finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
  }

  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
