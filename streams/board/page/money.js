// Money as people read it: both notations, because 亿 gets mistranslated. The same cuts as schemas/money.py: never rounded up.

const WAN = 10_000, MILLION = 1_000_000, YI = 100_000_000;

/** [`¥107.50 M`, `1.075 亿`] of integer fen; the second is null below 10,000 yuan. */
export function notations(fen) {
  const sign = fen < 0 ? "-" : "", amount = Math.abs(fen), yuan = Math.floor(amount / 100);
  if (yuan < WAN) return [`${sign}¥${group(yuan)}.${two(amount % 100)}`, null];
  const [step, unit] = yuan < MILLION ? [10, "K"] : [WAN, "M"];
  const shown = Math.floor(yuan / step) * step;
  const western = `${sign}¥${group(Math.floor(shown / (100 * step)))}.${two(Math.floor(shown / step) % 100)} ${unit}`;
  return [western, sign + chinese(shown)];
}

/** Both notations in one line, that of the reader's language first. */
export function money(fen, language) {
  const [western, yi] = notations(fen);
  if (yi === null) return western;
  return language === "zh" ? `${yi} (${western})` : `${western} (${yi})`;
}

function chinese(yuan) {
  const [unit, name] = yuan < YI ? [WAN, "万"] : [YI, "亿"];
  const rest = String(yuan % unit).padStart(String(unit).length - 1, "0").replace(/0+$/, "");
  return `${Math.floor(yuan / unit)}${rest ? "." + rest : ""} ${name}`;
}

const group = (whole) => whole.toLocaleString("en-US");
const two = (number) => String(number).padStart(2, "0");
