import type { IMark, MarkKind } from '../../server/types';

import type { IEditorContext } from '../context';
import { Emitter } from '../emitter';

import { freeName, KIND_WORDS, MARK_COLOR, newMark } from './mark';
import { valueOf } from './words';

/**
 * The marks of a layer as they are shown: those of the journal, with one that is being
 * drawn or moved on top; and which one is selected.
 *
 * Adding, changing and removing are one step of the history each.
 */
export class MarkBoard {
  constructor(readonly context: IEditorContext) {
    this._stop = context.scene.labels.changed.connect(({ marks, segments }) => {
      if (marks || segments) {
        this._keepSelection();
        this.changed.emit();
      }
    });
  }

  readonly changed = new Emitter<void>();

  /** What the region tool draws. */
  regionKind: 'ellipse' | 'rectangle' = 'ellipse';

  get marks(): readonly IMark[] {
    const draft = this._draft;
    const kept = [...this.context.scene.labels.marks.values()];
    if (!draft) {
      return kept;
    }
    const isNew = !kept.some(mark => mark.id === draft.id);
    return isNew
      ? [...kept, draft]
      : kept.map(mark => (mark.id === draft.id ? draft : mark));
  }

  get selected(): string | null {
    return this._selected;
  }

  get areShown(): boolean {
    return this._areShown;
  }

  set areShown(areShown: boolean) {
    this._areShown = areShown;
    this.changed.emit();
  }

  find(id: string | null): IMark | undefined {
    return this.marks.find(mark => mark.id === id);
  }

  select(id: string | null): void {
    if (id !== this._selected) {
      this._selected = id;
      this.changed.emit();
    }
  }

  /** A new mark with a name that is free; it is not kept yet. */
  make(
    kind: MarkKind,
    stem: string,
    fields: Partial<Omit<IMark, 'id' | 'kind'>>
  ): IMark {
    const { trans, scene } = this.context;
    const name = freeName(trans(stem), scene.labels.marks.values());
    return newMark(kind, { name, ...fields });
  }

  /** Shows a mark that is being drawn or moved; null drops it. */
  show(draft: IMark | null): void {
    this._draft = draft;
    this.changed.emit();
  }

  /** Makes what is being drawn or moved a step of the history. */
  keep(): void {
    const draft = this._draft;
    if (!draft) {
      return;
    }
    this._draft = null;
    const { announce, scene, trans } = this.context;
    this._selected = draft.id;
    this._put(scene.labels.marks.get(draft.id), draft);
    announce(`${draft.name}: ${valueOf(draft, this.context)}`);
    if (!this._areShown) {
      this._areShown = true;
      announce(trans('Marks are shown again.'));
    }
    this.changed.emit();
  }

  add(mark: IMark): void {
    this.show(mark);
    this.keep();
  }

  change(id: string, fields: Partial<Omit<IMark, 'id'>>): void {
    const mark = this.context.scene.labels.marks.get(id);
    if (mark) {
      this._put(mark, { ...mark, ...fields });
    }
  }

  remove(id: string): void {
    const { scene, notify, trans } = this.context;
    const mark = scene.labels.marks.get(id);
    if (mark) {
      this._put(mark, undefined);
      notify(trans('Removed %1. Undo brings it back.', mark.name));
    }
  }

  colorOf(mark: IMark): string {
    const segment = this.context.scene.labels.segment(mark.segment ?? 0);
    return mark.color ?? segment?.color ?? MARK_COLOR;
  }

  kindOf(mark: IMark): string {
    return this.context.trans(KIND_WORDS[mark.kind]);
  }

  dispose(): void {
    this._stop();
    this.changed.clear();
  }

  private _put(before: IMark | undefined, after: IMark | undefined): void {
    if (JSON.stringify(before) !== JSON.stringify(after)) {
      this.context.session.commitMarks(
        before ? [before] : [],
        after ? [after] : []
      );
    }
  }

  private _keepSelection(): void {
    if (this._selected !== null && !this.find(this._selected)) {
      this._selected = null;
    }
  }

  private readonly _stop: () => void;
  private _draft: IMark | null = null;
  private _selected: string | null = null;
  private _areShown = true;
}

const BOARDS = new WeakMap<IEditorContext, MarkBoard>();

/** The one board of an editor, which its tools, its planes and its list share. */
export function boardOf(context: IEditorContext): MarkBoard {
  let board = BOARDS.get(context);
  if (!board) {
    board = new MarkBoard(context);
    BOARDS.set(context, board);
  }
  return board;
}
