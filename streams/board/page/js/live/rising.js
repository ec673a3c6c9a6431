// How the running hour rises: its sums minute by minute, and what it would take to reach the best hour. Pure.

import { HOUR_MS, MINUTE_MS } from "../time.js";

const RECENT = 10;

/** Sums at the end of each minute, as `[minute of the hour, fen]`, from 0 to now; null if minutes are missing. */
export function rising(hour, minutes, as_of_ms) {
  if (!minutes) return null;
  const skip = Math.round((hour.start_ms - minutes.start_ms) / MINUTE_MS);
  const own = minutes.gmv_fen.slice(Math.max(0, skip));
  if (skip < 0 || own.includes(null)) return null;
  const points = summed(own.slice(0, -1));
  const now = Math.max(points.at(-1)[0], elapsed(hour, as_of_ms));
  return [...points, [now, hour.gmv_fen]];
}

/** Running sums of minutes, from `[0, 0]` on. */
export function summed(minutes) {
  let sum = 0;
  return [[0, 0], ...minutes.map((fen, index) => [index + 1, (sum += fen)])];
}

/** Minutes of the hour that are over, with their fraction. */
export function elapsed(hour, as_of_ms) {
  return Math.min(60, Math.max(0, (as_of_ms - hour.start_ms) / MINUTE_MS));
}

/** What each of the last whole minutes had on average; null where that is not known. */
export function recentPace(minutes) {
  const whole = minutes?.gmv_fen.slice(-RECENT - 1, -1) ?? [];
  if (!whole.length || whole.includes(null)) return null;
  return Math.round(whole.reduce((sum, fen) => sum + fen, 0) / whole.length);
}

/** Fen a minute that are still needed to be above `best_fen`, and the minutes left. */
export function needed(hour, best_fen, as_of_ms) {
  const left = Math.max(1, Math.ceil((hour.start_ms + HOUR_MS - as_of_ms) / MINUTE_MS));
  return { per_minute: Math.ceil(Math.max(0, best_fen + 1 - hour.gmv_fen) / left), minutes: left };
}
