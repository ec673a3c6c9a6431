// Fen to text, as `schemas/money.py` does it: what is not shown is cut off, never rounded up, and both notations
// are cut at the same digit. A test compares the two.

const WAN = 10_000;
const MILLION = 1_000_000;
const YI = 100_000_000;

/** An amount in both notations: `{latin: "¥107.50 M", han: "1.075 亿"}`; below 10,000 yuan exact, and `han` null. */
export function yuanParts(fen) {
  const sign = fen < 0 ? "-" : "";
  const yuan = Math.floor(Math.abs(fen) / 100);
  if (yuan < WAN) return { latin: exactText(fen), han: null };
  const [step, unit] = yuan < MILLION ? [10, "K"] : [WAN, "M"];
  const shown = Math.floor(yuan / step) * step;
  const hundredths = Math.floor(shown / step) % 100;
  const latin = `${sign}¥${grouped(Math.floor(shown / (100 * step)))}.${padded(hundredths)} ${unit}`;
  return { latin, han: sign + chinese(shown) };
}

/** One line: `¥107.50 M (1.075 亿)`. */
export function yuanText(fen) {
  const { latin, han } = yuanParts(fen);
  return han === null ? latin : `${latin} (${han})`;
}

/** To the fen: `¥1,299.00`. */
export function exactText(fen) {
  const amount = Math.abs(fen);
  return `${fen < 0 ? "-" : ""}¥${grouped(Math.floor(amount / 100))}.${padded(amount % 100)}`;
}

/** Whether the short texts would make two different amounts look equal. */
export function looksEqual(fen, other) {
  return fen !== other && yuanText(fen) === yuanText(other);
}

function chinese(yuan) {
  const [unit, name, digits] = yuan < YI ? [WAN, "万", 4] : [YI, "亿", 8];
  const decimals = String(yuan % unit)
    .padStart(digits, "0")
    .replace(/0+$/, "");
  const whole = Math.floor(yuan / unit);
  return decimals ? `${whole}.${decimals} ${name}` : `${whole} ${name}`;
}

/** Thousands set apart by commas. */
export function grouped(whole) {
  return String(whole).replace(/\B(?=(\d{3})+$)/g, ",");
}

function padded(number) {
  return String(number).padStart(2, "0");
}
