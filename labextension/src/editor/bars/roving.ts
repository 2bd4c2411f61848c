/**
 * One stop of the Tab key for many buttons: the arrow keys go from one to the next.
 *
 * Sliders, numbers and choices among them keep a stop of their own, for they use the
 * arrow keys themselves.
 *
 * @param node - the toolbar, menu or list the buttons lie in, at any depth
 * @returns a function to call when buttons came, went, or were hidden
 */
export function rove(node: HTMLElement): () => void {
  const buttons = (): HTMLButtonElement[] =>
    [...node.querySelectorAll('button')].filter(isShown);
  const update = () => {
    const all = buttons();
    const current =
      all.find(button => button === document.activeElement) ??
      all.find(button => button.tabIndex === 0 && !button.disabled) ??
      all.find(button => !button.disabled);
    for (const button of all) {
      button.tabIndex = button === current ? 0 : -1;
    }
  };
  node.addEventListener('focusin', event => {
    if (event.target instanceof HTMLButtonElement) {
      update();
    }
  });
  node.addEventListener('keydown', event => {
    const from = event.target;
    const isPlain =
      !event.ctrlKey && !event.metaKey && !event.altKey && !event.shiftKey;
    if (!isPlain || !(from instanceof HTMLButtonElement)) {
      return;
    }
    const all = buttons().filter(button => !button.disabled);
    const at = all.indexOf(from);
    const next = NEXT[event.key]?.(at, all.length);
    if (at >= 0 && next !== undefined) {
      event.preventDefault();
      event.stopPropagation();
      all[next]?.focus();
    }
  });
  update();
  return update;
}

const NEXT: Record<string, (at: number, count: number) => number> = {
  ArrowRight: (at, count) => (at + 1) % count,
  ArrowDown: (at, count) => (at + 1) % count,
  ArrowLeft: (at, count) => (at - 1 + count) % count,
  ArrowUp: (at, count) => (at - 1 + count) % count,
  Home: () => 0,
  End: (_, count) => count - 1
};

/** It and all around it can be seen. */
function isShown(button: HTMLElement): boolean {
  return button.closest('[hidden]') === null;
}
