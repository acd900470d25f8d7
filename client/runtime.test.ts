import { execFileSync } from 'node:child_process'

describe('the client', () => {
  it('uses nothing that is newer than ES2023, which Node 20.19 knows', function () {
    this.timeout(60_000)
    execFileSync('node_modules/.bin/tsc', ['-p', 'client'], { stdio: 'inherit' })
  })
})
