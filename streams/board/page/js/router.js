// Where one is: in the fragment of the address, so that the board serves one file and links can be sent around. Pure.

/** `#/cluster/haining-fur` -> what is shown. Ids may have any characters. */
export function routeOf(hash) {
  const [name, ...rest] = hash.replace(/^#\/?/, "").split("/");
  const id = decoded(rest.join("/"));
  if (name === "report") return { page: "report", window: id || "day" };
  if (name === "alerts") return { page: "alerts", state: id };
  if (name === "session" && id) return { page: "session", id };
  if (DIMENSIONS.includes(name) && id) return { page: "scope", dimension: name, id };
  return { page: "live" };
}

/** The address of the page of an id. */
export function linkTo(dimension, id) {
  return `#/${dimension}/${encodeURIComponent(id)}`;
}

/** What has pages of its own beside sessions. */
export const DIMENSIONS = ["platform", "province", "city", "cluster", "category", "merchant", "anchor", "channel"];

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
