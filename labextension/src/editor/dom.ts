/** Makes an element with properties and children; text is never read as HTML. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: {
    className?: string;
    text?: string;
    title?: string;
    attributes?: Record<string, string>;
  } = {},
  children: readonly Node[] = []
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  if (properties.className) {
    node.className = properties.className;
  }
  if (properties.text !== undefined) {
    node.textContent = properties.text;
  }
  if (properties.title) {
    node.title = properties.title;
  }
  for (const [name, value] of Object.entries(properties.attributes ?? {})) {
    node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Record<string, string | number> = {},
  children: readonly Node[] = []
): SVGElementTagNameMap[K] {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) {
    node.setAttribute(name, String(value));
  }
  node.append(...children);
  return node;
}

/** Resolves once two frames were shown, or soon in a page that nobody sees. */
export function painted(): Promise<void> {
  return new Promise(resolve => {
    setTimeout(resolve, 100);
    requestAnimationFrame(() =>
      requestAnimationFrame(() => setTimeout(resolve))
    );
  });
}
