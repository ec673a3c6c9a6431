// Times of the zone whose hours are the windows: told by an hour's id beside its start, never by the reader's machine.

let offsetMs = 8 * 3_600_000;

/** Learn the zone from an hour as the board names it: `2025-12-31T20` and its start. */
export function learnZone(hour) {
  if (hour) offsetMs = Date.parse(`${hour.id}:00:00Z`) - hour.start_ms;
}

const local = (ms) => new Date(ms + offsetMs).toISOString();

/** `20:59:41`. */
export const timeOf = (ms) => local(ms).slice(11, 19);
/** `20:00`. */
export const minuteOf = (ms) => local(ms).slice(11, 16);
/** `2025-12-31 20:59:41`. */
export const momentOf = (ms) => local(ms).slice(0, 19).replace("T", " ");
/** `12-31 20:00`. */
export const shortOf = (ms) => local(ms).slice(5, 16).replace("T", " ");
/** When the local day of a moment began, and ended. */
export function dayOf(ms) {
  const day = 86_400_000, start = Math.floor((ms + offsetMs) / day) * day - offsetMs;
  return [start, start + day];
}
