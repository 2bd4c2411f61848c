import { describe, expect, it } from 'vitest';

import named from '../../contract/labeling_tools.json';
import {
  ACTIONS,
  type ActionGroup
} from '../../../labextension/src/editor/input/actions';
import { KeyMap } from '../../../labextension/src/editor/input/key_map';
import {
  keyOf,
  normalKey,
  splitKeys,
  wordsOfKey
} from '../../../labextension/src/editor/input/keys';
import { EFFECTS } from '../../../labextension/src/editor/effects/registry';
import { TOOLS } from '../../../labextension/src/editor/tools/registry';
import { untranslated } from '../../../labextension/src/editor/translate';

function press(key: string, more: Partial<KeyboardEvent> = {}, code = '') {
  return keyOf({
    key,
    code,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    shiftKey: false,
    ...more
  });
}

/** The keys that people have learnt, by action. */
const PROMISED: Record<string, string> = {
  crosshair: 'c',
  brush: 'b',
  eraser: 'e',
  threshold: 't',
  polygon: 'p',
  lasso: 'l',
  rectangle: 'r',
  ellipse: 'i',
  fill: 'f',
  grow: 'g',
  livewire: 'w',
  'range-mask': 'm',
  line: 'd',
  angle: 'a',
  point: 'q',
  'box-2d': 'k',
  'box-3d': 'Shift+K',
  roi: 'v',
  'segment-add': 'n',
  'segment-previous': ',',
  'segment-next': '.',
  'segment-lock': 'j',
  'segment-state': 'y',
  labels: 'h',
  outline: 'u',
  'crosshair-lines': 'x',
  sphere: 's',
  overwrites: 'o',
  'size-down': '[',
  'size-up': ']',
  'effect-seeds': 'Shift+G',
  'effect-between': 'Shift+B',
  'effect-islands': 'Shift+I',
  'effect-margin': 'Shift+M',
  'effect-smooth': 'Shift+S',
  'effect-hollow': 'Shift+H',
  'effect-logic': 'Shift+L',
  'effect-threshold': 'Shift+T',
  'effect-model': 'Shift+P',
  'effect-copy-previous': 'Shift+C',
  'effect-copy-next': 'Shift+V',
  undo: 'Ctrl+Z',
  save: 'Ctrl+S',
  keys: '?'
};

describe('the list of actions', () => {
  it('gives no key to two actions, and writes each as it is pressed', () => {
    const keys = ACTIONS.flatMap(action => splitKeys(action.key));
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
    expect(keys.filter(key => normalKey(key) !== key)).toEqual([]);
    expect(new KeyMap(ACTIONS).complaints).toEqual([]);
  });

  it('names every action once, in words and by a name of its own', () => {
    const names = ACTIONS.map(({ id }) => id);
    const words = ACTIONS.map(action => action.words.trim());
    expect(new Set(names).size).toBe(names.length);
    expect(words.filter(text => text === '')).toEqual([]);
    expect(new Set(words).size).toBe(words.length);
    expect(names.filter(name => !/^[a-z0-9-]+$/.test(name))).toEqual([]);
  });

  it.each(Object.entries(PROMISED))('has %s on the key %s', (id, key) => {
    expect(new KeyMap(ACTIONS).keysOf(id)).toContain(key);
  });

  it('has a key for every tool and every effect', () => {
    const without = [...TOOLS, ...EFFECTS].filter(({ key }) => key === '');

    expect(without).toEqual([]);
  });

  it('holds every tool and every effect there is', () => {
    const in_ = (...groups: ActionGroup[]) =>
      ACTIONS.filter(({ group }) => groups.includes(group)).map(({ id }) => id);
    expect(in_('move', 'paint', 'outline', 'grow', 'mark', 'measure')).toEqual(
      TOOLS.map(({ tool }) => tool)
    );
    expect(
      in_('move', 'paint', 'outline', 'grow', 'mark', 'measure', 'effect')
    ).toEqual(named);
    expect(in_('effect')).toEqual(EFFECTS.map(({ id }) => `effect-${id}`));
  });
});

describe('keyOf', () => {
  it('writes letters small alone and large with modifiers', () => {
    expect(press('b')).toBe('b');
    expect(press('B')).toBe('b'); // Caps Lock
    expect(press('G', { shiftKey: true })).toBe('Shift+G');
    expect(press('z', { ctrlKey: true })).toBe('Ctrl+Z');
    expect(press('Z', { metaKey: true, shiftKey: true })).toBe('Ctrl+Shift+Z');
  });

  it('knows a sign whichever way the keyboard writes it', () => {
    expect(press('?', { shiftKey: true })).toBe('?');
    // AltGr comes as Ctrl+Alt on Windows.
    const altGr = { getModifierState: (name: string) => name === 'AltGraph' };
    expect(press('[', { ctrlKey: true, altKey: true, ...altGr })).toBe('[');
    // Digits need Shift on a French keyboard.
    expect(press('1', { shiftKey: true })).toBe('1');
  });

  it('finds the letters of a Greek or Cyrillic keyboard by their place', () => {
    expect(press('и', {}, 'KeyB')).toBe('b');
    expect(press('Γ', { shiftKey: true }, 'KeyG')).toBe('Shift+G');
  });

  it('keeps Shift with keys that have a name', () => {
    expect(press('ArrowLeft', { shiftKey: true })).toBe('Shift+ArrowLeft');
    expect(press(' ')).toBe('Space');
    expect(press('Shift', { shiftKey: true })).toBe('');
  });
});

describe('normalKey', () => {
  it.each([
    ['shift+g', 'Shift+G'],
    ['B', 'b'],
    ['cmd+shift+z', 'Ctrl+Shift+Z'],
    ['alt+arrowup', 'Alt+ArrowUp'],
    ['+', '+'],
    ['Ctrl++', 'Ctrl++'],
    ['space', 'Space']
  ])('reads %s as %s', (text, key) => expect(normalKey(text)).toBe(key));

  it.each(['', 'hyper+x', 'Brush', 'Ctrl+'])('knows no key in "%s"', text =>
    expect(normalKey(text)).toBeNull()
  );
});

describe('wordsOfKey', () => {
  it('is in signs on a Mac and in words elsewhere', () => {
    expect(wordsOfKey('Ctrl+Shift+Z', untranslated, true)).toBe('⌘⇧Z');
    expect(wordsOfKey('Ctrl+Shift+Z', untranslated, false)).toBe(
      'Ctrl+Shift+Z'
    );
    expect(wordsOfKey('b', untranslated, false)).toBe('B');
    expect(wordsOfKey('ArrowUp', untranslated, false)).toBe('↑');
  });
});

describe('KeyMap', () => {
  const actions = [
    { id: 'brush', key: 'b' },
    { id: 'eraser', key: 'e' },
    { id: 'redo', key: 'Ctrl+Shift+Z Ctrl+Y' }
  ];

  it('takes a key from the one that had it by default, and tells', () => {
    const map = new KeyMap(actions, { brush: 'E' });
    expect(map.actionOf('e')?.id).toBe('brush');
    expect(map.actionOf('b')).toBeUndefined();
    expect(map.keysOf('eraser')).toEqual([]);
    expect(map.complaints).toEqual([
      { kind: 'conflict', key: 'e', winner: 'brush', loser: 'eraser' }
    ]);
  });

  it('changes nothing but what was asked for', () => {
    const map = new KeyMap(actions, { brush: 'Alt+B p' });
    expect(map.keysOf('brush')).toEqual(['Alt+B', 'p']);
    expect(map.actionOf('Ctrl+Y')?.id).toBe('redo');
    expect(map.complaints).toEqual([]);
  });

  it('takes keys away with an empty text', () => {
    const map = new KeyMap(actions, { redo: '' });
    expect(map.keysOf('redo')).toEqual([]);
    expect(map.actionOf('Ctrl+Y')).toBeUndefined();
  });

  it('tells of names and keys that do not exist', () => {
    const map = new KeyMap(actions, { pencil: 'x', eraser: 'Hyper+E' });
    expect(map.complaints).toEqual([
      { kind: 'unknown-action', action: 'pencil' },
      { kind: 'unknown-key', action: 'eraser', key: 'Hyper+E' }
    ]);
  });
});
