// The three drawings of the board, as SVG: the tide against its high-water mark, minutes, and a bar.

import { drawn } from "./dom.js";

const WIDTH = 1000;

/** How far `value` has risen towards `mark` (null: none yet). `label` is what it says to those who do not see it. */
export function tide(value, mark, label) {
  const height = 150, top = mark === null ? Math.max(value, 1) * 1.25 : Math.max(mark, value) * 1.15;
  const at = (sum) => height - (sum / top) * height;
  const level = at(value);
  const wave = `M0 ${level}c125 -9 125 9 250 0s125 -9 250 0 125 9 250 0 125 -9 250 0V${height}H0Z`;
  const parts = [drawn("path", { d: wave, class: "water" + (mark !== null && value > mark ? " over" : "") })];
  if (mark !== null) {
    const y = at(mark);
    parts.push(drawn("line", { x1: 0, x2: WIDTH, y1: y, y2: y, class: "mark" }));
  }
  return picture(height, label, parts);
}

/** Bars of `values` (null: unknown, drawn as a gap), the last one still running if `running`. */
export function bars(values, label, running = false) {
  const height = 120, most = Math.max(1, ...values.filter((value) => value !== null));
  const wide = WIDTH / values.length;
  const made = values.map((value, at) => {
    const tall = value === null ? 0 : (value / most) * (height - 2);
    const state = value === null ? "gap" : running && at === values.length - 1 ? "running" : "bar";
    return drawn("rect", { x: at * wide + wide * 0.1, width: wide * 0.8, y: height - tall, height: tall, class: state });
  });
  return picture(height, label, made);
}

/** A bar of `share` (0 to 1) of the width. */
export function bar(share, classes = "") {
  const wide = Math.max(0, Math.min(1, share)) * WIDTH;
  return drawn("svg", { viewBox: `0 0 ${WIDTH} 10`, preserveAspectRatio: "none", class: `line ${classes}`, "aria-hidden": "true" }, [
    drawn("rect", { width: WIDTH, height: 10, class: "track" }),
    drawn("rect", { width: wide, height: 10, class: "fill" }),
  ]);
}

function picture(height, label, parts) {
  const title = drawn("title", {}, [label]);
  const attributes = { viewBox: `0 0 ${WIDTH} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": label };
  return drawn("svg", attributes, [title, ...parts]);
}
