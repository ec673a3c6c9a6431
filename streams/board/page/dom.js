// Elements made without markup: what a producer wrote can only ever become text.

const SVG = "http://www.w3.org/2000/svg";

/** An element with classes, children (texts or elements) and attributes. */
export function element(name, classes = "", children = [], attributes = {}) {
  return filled(document.createElement(name), classes, children, attributes);
}

/** The same for SVG. */
export function drawn(name, attributes = {}, children = []) {
  return filled(document.createElementNS(SVG, name), "", children, attributes);
}

function filled(made, classes, children, attributes) {
  if (classes) made.setAttribute("class", classes);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...[children].flat().filter((child) => child !== null));
  return made;
}

/** Replace what an element shows. */
export function show(id, ...children) {
  document.getElementById(id).replaceChildren(...children.flat().filter((child) => child !== null));
}

/** A link to the page of one tally or session. */
export function linkTo(dimension, id, text = id) {
  if (dimension === "platform") return element("span", "", text);
  return element("a", "", text, { href: `/scope.html?${new URLSearchParams({ dimension, id })}` });
}
