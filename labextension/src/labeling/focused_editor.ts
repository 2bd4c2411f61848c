import { ACTION_EVENT } from '../editor/action_event';

/** The slice editor that a command is meant for: the one that last had the focus. */
export class FocusedEditor {
  constructor(private readonly _page: Document = document) {
    for (const type of ['focusin', 'pointerdown']) {
      _page.addEventListener(type, ({ target }) => this._look(target), true);
    }
  }

  /** @returns false when there is no editor, or it is only to be looked at */
  can(draws: boolean): boolean {
    const editor = this._current();
    return editor !== null && (!draws || editor.dataset.tools === 'true');
  }

  run(action: string): void {
    this._current()?.dispatchEvent(
      new CustomEvent(ACTION_EVENT, { detail: { action } })
    );
  }

  /** The last one, or else the only one that can be seen. */
  private _current(): HTMLElement | null {
    if (this._last && isSeen(this._last)) {
      return this._last;
    }
    const editors = this._page.querySelectorAll<HTMLElement>('.medlab-Editor');
    const seen = [...editors].filter(isSeen);
    return seen.length === 1 ? seen[0] : null;
  }

  private _look(target: EventTarget | null): void {
    const editor =
      target instanceof Element
        ? target.closest<HTMLElement>('.medlab-Editor')
        : null;
    this._last = editor ?? this._last;
  }

  private _last: HTMLElement | null = null;
}

function isSeen(node: HTMLElement): boolean {
  return node.isConnected && node.getClientRects().length > 0;
}
