import { execFileSync } from 'node:child_process';

import { expect } from 'vitest';

const PRINT =
  'import json, sys; sys.path.insert(0, "."); ' +
  'from tests.support.hostile_text import INJECTIONS; print(json.dumps(INJECTIONS))';

/** The forty texts of `tests/support/hostile_text.py`. */
export const INJECTIONS: readonly string[] = JSON.parse(
  execFileSync('python3', ['-c', PRINT], { encoding: 'utf8' })
) as string[];

/** Ten of them in one text, for places that take long to draw. */
export const IN_TENS = [0, 10, 20, 30].map(from =>
  INJECTIONS.slice(from, from + 10).join(' ')
);

/** A text as long as another, with nothing in it that a parser could act on. */
export function harmless(text: string): string {
  return text.replace(/[^\s._]/gu, 'x');
}

/** Elements and the names of their attributes, without any text. */
export function shapeOf(node: Element): unknown {
  return [
    node.localName,
    node.getAttributeNames().sort(),
    [...node.children].map(shapeOf)
  ];
}

/** Everything that can be read below a node, in tooltips and fields too. */
export function readableIn(node: Element): string {
  const told = [node.textContent ?? ''];
  for (const each of node.querySelectorAll('*')) {
    told.push(...[...each.attributes].map(({ value }) => value));
    if ('value' in each) {
      told.push(String(each.value));
    }
  }
  return told.join('\n');
}

/**
 * Holds a place of the page to showing texts as texts: the same elements and attributes
 * come of hostile ones as of harmless ones, all can be read, and nothing was run.
 *
 * @param place - draws the place with texts made by `say`
 */
export async function expectText(
  place: (say: (text: string) => string) => Element | Promise<Element>,
  texts: readonly string[] = INJECTIONS
): Promise<void> {
  // What is drawn can depend on the length of a text and on its dots, but rarely does.
  const usual = JSON.stringify(shapeOf(await place(() => harmless(texts[0]))));
  for (const text of texts) {
    const drawn = await place(() => text);
    const shape = shapeOf(drawn);

    expect(readableIn(drawn)).toContain(text);
    if (JSON.stringify(shape) !== usual) {
      expect(shape).toEqual(shapeOf(await place(() => harmless(text))));
    }
  }
  expect(Object.hasOwn(globalThis, '__hostile')).toBe(false);
}
