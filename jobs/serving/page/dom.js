/**
 * Builds elements. Content of records becomes text, never markup.
 *
 * @module
 */

/** The element with that id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * An element with properties (`className`, `href`, ...), attributes that begin
 * with `aria-` or `role`, and children: elements, or values that become text.
 */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "role" || key.startsWith("aria-")) made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children.map((child) => child instanceof Node ? child : String(child)));
  return made;
}

/** Replaces the text of an element, if it differs. */
export function setText(id, text) {
  const target = byId(id);
  if (target.textContent !== text) target.textContent = text;
}

/** A bar of segments, each `[className, share]`; shares are of 1, the rest stays empty. */
export function meter(parts, label) {
  const bar = element("div", { className: "meter", role: "img", "aria-label": label });
  for (const [className, share] of parts) {
    const part = element("span", { className });
    part.style.width = `${Math.max(0, Math.min(1, share)) * 100}%`;
    bar.append(part);
  }
  return bar;
}

/** A table: `columns` are `[title, className]`, cells are elements or values. */
export function table(columns, rows, className = "") {
  const head = columns.map(([title, className]) =>
    element("th", { className, scope: "col" }, title)
  );
  const body = rows.map((cells) =>
    element(
      "tr",
      {},
      ...cells.map((cell, i) => element("td", { className: columns[i][1] }, cell)),
    )
  );
  return element(
    "div",
    { className: `scroll ${className}`.trim() },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...head)),
      element("tbody", {}, ...body),
    ),
  );
}
