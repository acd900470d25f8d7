import type { Note } from './seams.ts'

/**
 * What a consumer does to delete old rows, whatever else it does at the moment. It comes to that by
 * the clock alone, so it is killed there in a run of its own.
 */
export const isOfRetention = (note: Note): boolean =>
  'met' in note && /retention|^expire |^select \w+ by (event_id|created_at)$/.test(note.met)
