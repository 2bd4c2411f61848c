import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

const SOURCE = 'labextension/src';

/** Ways in which a text becomes markup or code. */
const SINKS =
  /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|createContextualFragment|DOMParser|setHTML|srcdoc|document\s*\.\s*write|\bnew Function\b|\beval\s*\(|set(?:Timeout|Interval)\s*\(\s*['"`]|javascript:|sanitize\s*:\s*false|renderModel|MarkdownCell/;

/** Where an element or attribute has a name that does not stand there itself. */
const NAMED_ELSEWHERE: Record<string, number> = {
  // Their callers are looked at below.
  'editor/dom.ts': 4,
  'editor/bars/action_buttons.ts': 1,
  'widgets/run_controls.ts': 1
};

/** Addresses: object URLs of what the page made, the log-in page, and medlab's own bundle. */
const ADDRESSES = [
  'editor/bars/download.ts: href: url',
  'editor/bars/save_banner.ts: href: server',
  'editor/segments/statistics_table.ts: href: url',
  'itkwidgets/imjoy.ts: src = url',
  'scans/row.tsx: src={url',
  'training/exports.tsx: href = URL',
  'training/preview.tsx: src={url'
];

const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
  .filter(name => /\.(tsx?|js|html)$/.test(name))
  .map(name => ({ name, text: readFileSync(`${SOURCE}/${name}`, 'utf8') }));

/** The rest of each call, from the bracket on. */
function calls(text: string, name: RegExp): string[] {
  return [...text.matchAll(name)].map(found =>
    text.slice(found.index + found[0].length).trimStart()
  );
}

describe('the source of the front end', () => {
  it('is all here', () => expect(files.length).toBeGreaterThan(150));

  it.each(files.map(({ name, text }) => [name, text]))(
    '%s makes neither markup nor code of a text',
    (_, text) => expect(SINKS.exec(text)?.[0]).toBeUndefined()
  );

  it.each([
    'node.innerHTML = name',
    'host.insertAdjacentHTML("beforeend", name)',
    '<p dangerouslySetInnerHTML={{ __html: name }} />',
    'document.write(name)',
    'new Function(name)()',
    'eval(name)',
    "setTimeout('go()')"
  ])('would be refused with %s', code => expect(SINKS.test(code)).toBe(true));

  it('names elements and attributes itself, and no handler or address', () => {
    const found: Record<string, number> = {};
    for (const { name, text } of files) {
      const places = [
        ...calls(text, /\.(?:setAttribute|createElement)\(/g),
        ...calls(text, /\.createElementNS\(\s*[^,]+,/g)
      ];
      for (const place of places) {
        const literal = /^'([\w:-]+)'/.exec(place)?.[1];
        if (literal === undefined) {
          found[name] = (found[name] ?? 0) + 1;
        } else {
          expect(literal).not.toMatch(/^(on|href|src|formaction|xlink)/i);
          // Of itkwidgets' own bundle, from an address that the page knows.
          const isBundle =
            literal === 'script' && name === 'itkwidgets/imjoy.ts';
          expect(
            isBundle || !/^(script|iframe|object|embed|base)$/i.test(literal)
          ).toBe(true);
        }
      }
    }

    expect(found).toEqual(NAMED_ELSEWHERE);
  });

  it('writes addresses into elements in few places, none from a scan or a name', () => {
    const addresses = /(?:\bhref|\bsrc)\s*(?:=|:)\s*\{?\s*(?!['"])(\w+)/g;
    const places = files.flatMap(({ name, text }) =>
      name.endsWith('.html')
        ? []
        : [...text.matchAll(addresses)].map(([all]) => `${name}: ${all}`)
    );

    expect(places.sort()).toEqual(ADDRESSES);
  });
});
