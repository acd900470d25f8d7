/** Of the OpenTelemetry conventions for messaging and for HTTP, in seconds. */
export const durationSeconds = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

/** From accepting to settling, in seconds: a restart of a server takes some, an outage minutes. */
export const settlementSeconds = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
]

/** Of a notification, in seconds; it is given up after 1.5 s. */
export const notificationSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5]

/** Messages handled together. */
export const batchMessages = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000]
