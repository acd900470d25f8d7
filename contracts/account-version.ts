/**
 * The last version of an account, which fits an INTEGER; the next one is 0. Who compares two
 * versions learns whether there was a change, also then.
 */
export const MAX_VERSION = 2_147_483_647
