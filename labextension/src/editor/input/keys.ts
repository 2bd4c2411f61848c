import type { Translate } from '../translate';

/**
 * How keys are written: `b`, `Shift+G`, `Ctrl+Shift+Z`, `[`, `ArrowUp`, `Space`.
 *
 * `Ctrl` stands for the command key too. A sign that needs Shift on some keyboards (`?`,
 * `+`, digits in France) is written as the sign alone, so that it is found on all of them.
 */
export interface IKeyPress {
  readonly key: string;
  /** Place on the keyboard: the Latin letter where the layout gives another. */
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
  getModifierState?(name: string): boolean;
}

const LETTER = /^[a-z]$/i;
const MODIFIERS = ['Ctrl', 'Alt', 'Shift'] as const;
type Modifier = (typeof MODIFIERS)[number];

/** The key that was pressed; empty for a modifier alone. */
export function keyOf(event: IKeyPress): string {
  if (['Shift', 'Control', 'Alt', 'Meta', 'AltGraph'].includes(event.key)) {
    return '';
  }
  // AltGr writes signs such as [ on many keyboards; it comes as Ctrl+Alt on some systems.
  const writes = event.getModifierState?.('AltGraph') ?? false;
  const modifiers = new Set<Modifier>();
  if ((event.ctrlKey || event.metaKey) && !writes) {
    modifiers.add('Ctrl');
  }
  if (event.altKey && !writes) {
    modifiers.add('Alt');
  }
  if (event.shiftKey) {
    modifiers.add('Shift');
  }
  return written(latin(event), modifiers);
}

/**
 * The same key in the one way it is written here: `shift+g` is `Shift+G`, `B` is `b`.
 *
 * @returns null for what names no key
 */
export function normalKey(text: string): string | null {
  const parts = text.trim().split(/\+(?=.)/);
  const name = parts.pop() ?? '';
  const modifiers = new Set<Modifier>();
  for (const part of parts) {
    const found = MODIFIERS.find(
      modifier => modifier.toLowerCase() === modifierOf(part)
    );
    if (!found) {
      return null;
    }
    modifiers.add(found);
  }
  const key = [...name].length === 1 ? name : NAMED.get(name.toLowerCase());
  return key ? written(key, modifiers) : null;
}

/** Several keys for one thing are written with blanks between them. */
export function splitKeys(text: string): readonly string[] {
  return text.split(/\s+/).filter(key => key !== '');
}

/** A key as the reader knows it: `Shift+G`, on a Mac `⇧G`. */
export function wordsOfKey(
  key: string,
  trans: Translate,
  isMac = /mac|iphone|ipad/i.test(
    typeof navigator === 'undefined' ? '' : navigator.userAgent
  )
): string {
  const parts = key.split(/\+(?=.)/);
  const name = parts.pop() ?? '';
  const sign = SIGNS[name];
  const shown =
    sign ?? (LETTER.test(name) ? name.toUpperCase() : named(name, trans));
  const modifiers = parts.map(part =>
    isMac ? (MAC_SIGNS[part] ?? part) : named(part, trans)
  );
  return [...modifiers, shown].join(isMac ? '' : '+');
}

function named(name: string, trans: Translate): string {
  return [...name].length > 1 ? trans(WORDS[name] ?? name) : name;
}

function written(key: string, modifiers: Set<Modifier>): string {
  if (LETTER.test(key)) {
    const letter = modifiers.size > 0 ? key.toUpperCase() : key.toLowerCase();
    return join(letter, modifiers);
  }
  // The sign says it: whether Shift wrote it depends on the keyboard.
  if ([...key].length === 1 && key !== ' ') {
    modifiers.delete('Shift');
  }
  return join(key === ' ' ? 'Space' : key, modifiers);
}

function join(key: string, modifiers: Set<Modifier>): string {
  return [...MODIFIERS.filter(name => modifiers.has(name)), key].join('+');
}

/** The letter, also on a keyboard of other letters (Greek, Cyrillic, Hebrew). */
function latin({ key, code }: IKeyPress): string {
  const isOther = key.length === 1 && key.charCodeAt(0) > 0x24f;
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  return isOther && letter ? letter : key;
}

function modifierOf(text: string): string {
  const name = text.trim().toLowerCase();
  return ['control', 'cmd', 'meta', 'accel', '⌘'].includes(name)
    ? 'ctrl'
    : name;
}

const NAMED = new Map(
  [
    ...['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'PageUp'],
    ...['PageDown', 'Home', 'End', 'Enter', 'Escape', 'Backspace', 'Delete'],
    ...['Tab', 'Insert', 'Space', 'F1', 'F2', 'F3', 'F4', 'F5', 'F6', 'F7'],
    ...['F8', 'F9', 'F10', 'F11', 'F12']
  ].map(name => [name.toLowerCase(), name])
);

const SIGNS: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→'
};

const MAC_SIGNS: Record<string, string> = { Ctrl: '⌘', Alt: '⌥', Shift: '⇧' };

const WORDS: Record<string, string> = {
  PageUp: 'Page Up',
  PageDown: 'Page Down',
  Space: 'Space',
  Enter: 'Enter',
  Escape: 'Esc'
};
