// Our charts: shapes in an SVG that stretches to its box, texts beside it in HTML, so that neither is distorted and
// nothing has to be measured. Values are given in data units; x and y of a shape run from 0 to 100.

import { h } from "./dom.js";

const at = (value, [low, high]) => (high > low ? ((value - low) / (high - low)) * 100 : 0);
const round = (number) => Math.round(number * 100) / 100;

/** A box with shapes and labels. `said` is what a screen reader hears instead. */
export function chart(kind, said, shapes, labels = []) {
  const svg = h("svg", { viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" }, shapes);
  return h(`div.chart.${kind}`, { role: "img", "aria-label": said }, svg, labels);
}

/** A text at a place of the data; `className` decides how it lies there. */
export function label(className, x, y, ...text) {
  const style = { left: `${round(x)}%`, bottom: `${round(y)}%` };
  return h(`div.label.${className}`, { style, "aria-hidden": "true" }, text);
}

/** The path of points `[x, y]` (data units), not closed. */
export function pathOf(points, x, y) {
  return points.map(([px, py], index) => `${index ? "L" : "M"}${round(at(px, x))} ${round(100 - at(py, y))}`).join("");
}

/** Water up to a line of points: the surface, and what is below it. */
export function water(points, x, y) {
  if (points.length < 2) return [];
  const surface = pathOf(points, x, y);
  const [first, last] = [points[0], points.at(-1)].map(([px]) => round(at(px, x)));
  return [h("path.water", { d: `${surface}L${last} 100L${first} 100Z` }), h("path.surface", { d: surface })];
}

/** A line across the whole box at a value. */
export function level(kind, value, y) {
  const top = round(100 - at(value, y));
  return h(`line.${kind}`, { x1: 0, x2: 100, y1: top, y2: top });
}

/** Bars of equal width, one a value; null leaves a gap. `classOf(index)` marks some. */
export function bars(values, y, classOf = () => "") {
  const width = 100 / values.length;
  return values.map((value, index) => {
    if (value === null) return h("rect.gap", { x: round(index * width), width: round(width), y: 0, height: 100 });
    const height = round(Math.max(value > 0 ? 0.8 : 0, at(value, y)));
    const x = round(index * width + width * 0.14);
    return h("rect", { class: classOf(index), x, width: round(width * 0.72), y: round(100 - height), height });
  });
}

/** Round values for an axis up to `top`: three or four of them, 0 left out. */
export function ticks(top) {
  if (top <= 0) return [];
  const rough = top / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((each) => each * power).find((each) => each >= rough);
  const found = [];
  for (let value = step; value <= top; value += step) found.push(value);
  return found;
}
