// Elements as values, and the one function that makes a part of the document equal to them. Nothing is rebuilt that
// is already there: focus, selection and the reading place of a screen reader stay.  Styles are set through the
// object model: the page forbids inline styles (content security policy).

const SVG = "http://www.w3.org/2000/svg";
const present = (each) => each !== null && each !== undefined && each !== false;

/** An element: tag (`p.note.loud` has classes), attributes, children. `key` tells siblings of a list apart; `on` has
 * listeners by event; `style` has properties. Children that are null or false are left out. */
export function h(tag, attributes, ...children) {
  const [name, ...classes] = tag.split(".");
  const given = attributes ?? {};
  const names = [...classes, given.class].filter(present).join(" ");
  return { name, key: given.key, attributes: { ...given, class: names || null }, children: flat(children) };
}

/** Make the children of `parent` be `nodes`. */
export function show(parent, ...nodes) {
  const focused = document.activeElement;
  reconcile(parent, flat(nodes));
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function flat(children) {
  return children.flat(Infinity).filter(present);
}

function reconcile(parent, nodes) {
  const keys = new Set(nodes.map((node) => node.key));
  const keyed = new Map();
  for (const child of [...parent.childNodes]) {
    if (child.key === undefined) continue;
    if (keys.has(child.key)) keyed.set(child.key, child);
    else child.remove();
  }
  let at = parent.firstChild;
  for (const node of nodes) {
    const found = node.key === undefined ? (fits(at, node) ? at : null) : keyed.get(node.key);
    const element = found ?? made(node, parent);
    if (element === at) at = at.nextSibling;
    else parent.insertBefore(element, at);
    update(element, node);
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

function fits(child, node) {
  if (!child || child.key !== undefined) return false;
  return typeof node === "object" ? child.localName === node.name : child.nodeType === Node.TEXT_NODE;
}

function made(node, parent) {
  if (typeof node !== "object") return document.createTextNode(node);
  const svg = node.name === "svg" || (parent.namespaceURI === SVG && parent.localName !== "foreignObject");
  const element = svg ? document.createElementNS(SVG, node.name) : document.createElement(node.name);
  if (node.key !== undefined) element.key = node.key;
  return element;
}

function update(element, node) {
  if (typeof node !== "object") {
    if (element.data !== String(node)) element.data = node;
    return;
  }
  const { key: _key, on, style, value, ...attributes } = node.attributes;
  for (const name of element.known ?? []) if (!(name in attributes)) element.removeAttribute(name);
  element.known = Object.keys(attributes);
  for (const name of element.known) set(element, name, attributes[name]);
  listen(element, on ?? {});
  restyle(element, style ?? {});
  if (value !== undefined && element.value !== value) element.value = value;
  reconcile(element, node.children);
}

function set(element, name, value) {
  if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

function listen(element, on) {
  element.on ??= {};
  for (const type of Object.keys(on)) {
    if (!(type in element.on)) element.addEventListener(type, (event) => element.on[type]?.(event));
  }
  element.on = { ...Object.fromEntries(Object.keys(element.on).map((type) => [type, null])), ...on };
}

function restyle(element, style) {
  for (const name of Object.keys(element.styled ?? {})) if (!(name in style)) element.style.removeProperty(name);
  for (const [name, value] of Object.entries(style)) {
    if (element.styled?.[name] !== value) element.style.setProperty(name, value);
  }
  element.styled = style;
}
