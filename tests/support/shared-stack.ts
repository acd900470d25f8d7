import { processNames } from '#local/stack/ports.ts'
import { type Stack, startStack } from './stack.ts'

let shared: Promise<Stack> | undefined

/** The stack that end-to-end tests share, with two replicas of each process. */
export function useStack(): Stack {
  const stack = {} as Stack
  before('start the stack', async function () {
    this.timeout(120_000)
    shared ??= startStack({ args: processNames.flatMap((name) => ['--scale', `${name}=2`]) })
    Object.assign(stack, await shared)
  })
  return stack
}

/** Stops the shared stack at the end of the run. Fails when the stack does not stop cleanly. */
export async function stopSharedStack(): Promise<void> {
  const stack = await shared
  shared = undefined
  const code = await stack?.stop()
  if (code) throw new Error(`The stack ended with ${code}`)
}
