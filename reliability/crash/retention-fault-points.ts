import type { Note } from './fault-points.ts'

/**
 * What a consumer does to delete old rows, whatever else it does at the moment. It comes to that by
 * the clock alone, so it is killed there in a run of its own.
 */
export const isOfRetention = (note: Note): boolean =>
  'met' in note &&
  /\b(declareTables|claimTable|findBatchEnd|deleteExpired|saveProgress)\b/.test(note.met)
