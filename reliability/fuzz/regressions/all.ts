import type { Cases, KindName } from '../run.ts'

/** Inputs that broke a promise once, as the fuzzer printed them. */
export const regressions: { [Name in KindName]: Cases[Name][] } = {
  http: [
    // A request line that nginx cannot read, with HEAD: 500.
    { to: 'gateway', request: 'HEAD * HTTP/1.1\r\nHost: localhost\r\n\r\n', isWhole: true },
    // A method that the router does not know, where there is no path: 405 without Allow.
    {
      to: 'orders-api',
      request: 'PROPFIND /none HTTP/1.1\r\nHost: localhost\r\n\r\n',
      isWhole: true,
    },
    // No Host: 400 of Node, without a problem.
    { to: 'orders-api', request: 'GET /livez HTTP/1.1\r\n\r\n', isWhole: true },
    // An Expect that nobody knows: 417 of Node, without a problem.
    {
      to: 'orders-api',
      request:
        'GET /orders/ws HTTP/1.1\r\nHost: localhost\r\nExpect: x\r\nContent-Length: 0\r\n\r\n',
      isWhole: true,
    },
  ],
  ws: [],
  amqp: [],
}
