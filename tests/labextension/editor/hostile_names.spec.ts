// @vitest-environment jsdom
import 'fake-indexeddb/auto';

import { afterEach, beforeAll, describe, expect, it } from 'vitest';

import { SliceEditor } from '../../../labextension/src/editor/editor';
import type { IMark, ISegment } from '../../../labextension/src/server/types';
import { harmless, INJECTIONS, readableIn, shapeOf } from '../hostile_text';
import { standInForBrowser } from '../stand_ins';
import { infoOf, MemoryServer } from './memory_server';

const KINDS = ['point', 'line', 'rectangle', 'class'] as const;

/** A scan, its layers, segments, marks and files are all named by `say`. */
class NamedServer extends MemoryServer {
  constructor(private readonly _say: (text: string) => string) {
    super(
      infoOf([8, 8, 8], { name: _say(INJECTIONS[0]), warnings: _texts(_say) }),
      new Int16Array(512)
    );
    const texts = _texts(_say);
    this.map.segments = texts.map((name, n) => segment(n + 1, name));
    const marks = texts.map((name, n) => mark(n, name));
    this.map.setMarks(new Map(marks.map(one => [one.id, one])));
  }

  override request(path: string, init: RequestInit = {}): Promise<Response> {
    const texts = _texts(this._say);
    if (/^labels\/\w+$/.test(path)) {
      const layers = ['labels', ...texts].map(name => ({
        ...{ name, rev: 0 },
        segments: this.map.segments
      }));
      return answer({ layers });
    }
    if (path.endsWith('/files')) {
      const files = texts.map(text => ({
        ...{ path: text, name: text, format: text, state: text }
      }));
      return answer({ files });
    }
    if (path.endsWith('/save')) {
      return answer(
        { message: texts.join(' '), code: 'file-changed', sha256: 'a' },
        409
      );
    }
    if (path.endsWith('/ops') && init.method === 'POST') {
      return answer({ message: texts.join(' '), code: 'bad-edit' }, 422);
    }
    if (path.endsWith('/read')) {
      return answer({ message: texts.join(' '), code: 'not-labels' }, 422);
    }
    if (path.endsWith('/file')) {
      return answer({ path: texts[3], state: 'current', rev: 0, layers: [] });
    }
    return super.request(path, init);
  }
}

function _texts(say: (text: string) => string): string[] {
  return INJECTIONS.map(say);
}

function answer(reply: unknown, status = 200): Promise<Response> {
  return Promise.resolve(new Response(JSON.stringify(reply), { status }));
}

function segment(id: number, name: string): ISegment {
  return {
    ...{ id, name, color: '#ff8800', locked: false, visible: true },
    ...{ opacity: 100, outlined: false, state: 'not-started' as const },
    code: {
      ...{ scheme: name, value: name, meaning: name },
      ...{ category: null, type: null, modifier: null }
    } as never
  };
}

function mark(n: number, name: string): IMark {
  const kind = KINDS[n % KINDS.length];
  const points = { point: 1, line: 2, rectangle: 2, class: 0 }[kind];
  return {
    ...{ id: n.toString(16).padStart(12, '0'), kind, name, color: null },
    ...{ segment: n + 1, plane: kind === 'point' ? null : 'axial' },
    points: Array.from({ length: points }, (_, p) => [1 + p, 2 + 2 * p, 4]),
    ...{ scope: kind === 'class' ? 'image' : null, note: name },
    value: kind === 'class' ? name : null
  } as IMark;
}

/** As long as the text, harmless, and unlike what stands for the others. */
function plainly(text: string): string {
  const number = String(INJECTIONS.indexOf(text)).padStart(2, '0');
  return harmless(text).slice(0, -2) + number;
}

const HOSTILE = /<script|onerror|__hostile/;

const open: SliceEditor[] = [];

beforeAll(standInForBrowser);
afterEach(() => open.splice(0).forEach(editor => editor.dispose()));

async function editorOf(say: (text: string) => string): Promise<SliceEditor> {
  const host = document.createElement('div');
  document.body.append(host);
  const server = new NamedServer(say);
  const editor = new SliceEditor(host, {
    ...{ server, scanId: server.info.id, layer: 'labels', tools: true },
    planes: ['axial']
  });
  open.push(editor);
  await editor.ready;
  return editor;
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise(resolve => setTimeout(resolve));
  }
}

/** Opens what can be opened and chooses what can be chosen, so that all of it is drawn. */
async function unfold({ node }: SliceEditor): Promise<void> {
  node.querySelector<HTMLElement>('.medlab-File-button')?.click();
  await settled();
  for (const selector of ['.medlab-Segment', '.medlab-MarkRow']) {
    node.querySelectorAll<HTMLElement>(selector)[1]?.click();
  }
  // An edit, which the server refuses.
  node.querySelector<HTMLElement>('.medlab-Segment [data-icon]')?.click();
  node.querySelector<HTMLElement>('.medlab-File-section li button')?.click();
  node
    .querySelector('.medlab-File-form')
    ?.dispatchEvent(new Event('submit', { cancelable: true }));
  await settled();
}

describe('forty hostile texts in the editor', () => {
  it('are texts as names of segments, marks, codes, layers and files', async () => {
    const hostile = await editorOf(text => text);
    await unfold(hostile);
    const plain = await editorOf(plainly);
    await unfold(plain);

    const words = readableIn(hostile.node);
    for (const text of INJECTIONS) {
      expect(words).toContain(text);
    }
    // Of the details of a segment and a mark, a name that is taken and a file that is none.
    const places = ['Code-open', 'MarkPanel', 'File-conflict', 'Banner-words'];
    for (const name of places) {
      const place = hostile.node.querySelector(
        `.medlab-${name}`
      )?.parentElement;
      expect(place ? readableIn(place) : name).toMatch(HOSTILE);
    }
    const lists = ['Segment', 'MarkRow', 'Layer', 'File-section li'].map(
      name => hostile.node.querySelectorAll(`.medlab-${name}`).length
    );
    expect(lists).toEqual([40, 40, 41, 40]);
    expect(JSON.stringify(shapeOf(hostile.node))).toBe(
      JSON.stringify(shapeOf(plain.node))
    );
    expect(Object.hasOwn(globalThis, '__hostile')).toBe(false);
  }, 30_000);
});
