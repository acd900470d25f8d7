/** Tasks that run in the background until somebody waits for all of them. They must not reject. */
export class TaskGroup {
  readonly #running = new Set<Promise<void>>()

  run(task: Promise<void>): void {
    const tracked = task.finally(() => this.#running.delete(tracked))
    this.#running.add(tracked)
  }

  async done(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
