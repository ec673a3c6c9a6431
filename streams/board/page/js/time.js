// Times of the business zone. Its offset is what the stream says of the running hour (`id` is local, `start_ms` is
// not): the zone of whoever looks at the page plays no part.

export const MINUTE_MS = 60_000;
export const HOUR_MS = 3_600_000;
export const DAY_MS = 86_400_000;

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number) => String(number).padStart(2, "0");

/** What local time is ahead of UTC, in ms, from an hour of the stream; Shanghai's while there is none. */
export function offsetOf(hour) {
  return hour ? Date.parse(`${hour.id}:00:00Z`) - hour.start_ms : 8 * HOUR_MS;
}

/** Texts and arithmetic in local time. `chinese` decides how a date is written. */
export class Zone {
  constructor(offset_ms, chinese) {
    this.offset_ms = offset_ms;
    this.chinese = chinese;
  }

  local(time_ms) {
    return new Date(time_ms + this.offset_ms);
  }

  /** 21:05 */
  time(time_ms) {
    const local = this.local(time_ms);
    return `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}`;
  }

  /** 21:05:09 */
  clock(time_ms) {
    return `${this.time(time_ms)}:${two(this.local(time_ms).getUTCSeconds())}`;
  }

  /** 31 Dec, 12月31日 */
  date(time_ms) {
    const local = this.local(time_ms);
    const [month, day] = [local.getUTCMonth(), local.getUTCDate()];
    return this.chinese ? `${month + 1}月${day}日` : `${day} ${MONTHS[month]}`;
  }

  /** 31 Dec 2025, 2025年12月31日 */
  fullDate(time_ms) {
    const year = this.local(time_ms).getUTCFullYear();
    return this.chinese ? `${year}年${this.date(time_ms)}` : `${this.date(time_ms)} ${year}`;
  }

  /** 31 Dec, 21:00–22:00 */
  span(start_ms, end_ms) {
    return `${this.date(start_ms)} ${this.hours(start_ms, end_ms)}`;
  }

  /** 21:00–22:00 */
  hours(start_ms, end_ms) {
    return `${this.time(start_ms)}–${this.end(end_ms)}`;
  }

  /** As `time`, of an end: that of a day is 24:00 */
  end(end_ms) {
    const end = this.time(end_ms);
    return end === "00:00" ? "24:00" : end;
  }

  startOfHour(time_ms) {
    return Math.floor((time_ms + this.offset_ms) / HOUR_MS) * HOUR_MS - this.offset_ms;
  }

  startOfDay(time_ms) {
    return Math.floor((time_ms + this.offset_ms) / DAY_MS) * DAY_MS - this.offset_ms;
  }

  /** The same local time a year before; null on a day that that year did not have. */
  yearBefore(time_ms) {
    const local = this.local(time_ms);
    const day = local.getUTCDate();
    local.setUTCFullYear(local.getUTCFullYear() - 1);
    return local.getUTCDate() === day ? local.getTime() - this.offset_ms : null;
  }
}
