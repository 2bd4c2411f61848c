import { normalKey, splitKeys } from './keys';

/** What a key can be given to. */
export interface IKeyed {
  readonly id: string;
  /** Keys it has from the start, written as in `keys.ts`, blanks between several. */
  readonly key: string;
}

/** Something in the settings that cannot be done as it stands. */
export type KeyComplaint =
  | { kind: 'unknown-action'; action: string }
  | { kind: 'unknown-key'; action: string; key: string }
  /** `loser` has the key no more, `winner` has it. */
  | { kind: 'conflict'; key: string; winner: string; loser: string };

/**
 * Which key does what: what the actions begin with, and what the reader changed.
 *
 * A key that the reader gave away goes to the action it was given to, and is taken from
 * the one that had it by default; given twice, the first action of the list has it.
 */
export class KeyMap<A extends IKeyed> {
  /** @param changes - by action: its keys; empty for none */
  constructor(
    readonly actions: readonly A[],
    changes: Readonly<Record<string, string>> = {}
  ) {
    const known = new Set(actions.map(({ id }) => id));
    for (const action of Object.keys(changes)) {
      if (!known.has(action)) {
        this._complaints.push({ kind: 'unknown-action', action });
      }
    }
    const changed = (action: A) => Object.hasOwn(changes, action.id);
    for (const action of actions.filter(changed)) {
      this._give(action, String(changes[action.id]));
    }
    for (const action of actions.filter(action => !changed(action))) {
      this._give(action, action.key);
    }
  }

  get complaints(): readonly KeyComplaint[] {
    return this._complaints;
  }

  actionOf(key: string): A | undefined {
    return this._byKey.get(key);
  }

  /** The keys of an action, the one to tell the reader first. */
  keysOf(id: string): readonly string[] {
    return this._byAction.get(id) ?? [];
  }

  private _give(action: A, keys: string): void {
    const mine: string[] = [];
    for (const text of splitKeys(keys)) {
      const key = normalKey(text);
      if (!key) {
        const { id } = action;
        this._complaints.push({ kind: 'unknown-key', action: id, key: text });
        continue;
      }
      const owner = this._byKey.get(key);
      if (owner) {
        const winner = owner.id;
        const loser = action.id;
        this._complaints.push({ kind: 'conflict', key, winner, loser });
        continue;
      }
      this._byKey.set(key, action);
      mine.push(key);
    }
    this._byAction.set(action.id, mine);
  }

  private readonly _byKey = new Map<string, A>();
  private readonly _byAction = new Map<string, readonly string[]>();
  private readonly _complaints: KeyComplaint[] = [];
}
