import type { ISegment } from '../../server/types';

import type { IEditorContext } from '../context';
import { element } from '../dom';

import { dragRow } from './drag_order';
import { RovingList } from './roving_list';
import type { SegmentEdits } from './segment_edits';
import { SegmentRow } from './segment_row';
import { choiceOf } from './segment_state';

/** More segments than this are worth a search. */
const SEARCH_FROM = 13;

type Place = Pick<IEditorContext, 'settings' | 'trans' | 'hasTools' | 'scene'>;

/** The segments, one a row: choose, rename, recolour, hide, lock, order. */
export class SegmentList {
  constructor(
    private readonly _place: Place,
    private readonly _edits: SegmentEdits
  ) {
    const { trans, settings, scene } = _place;
    this._list = new RovingList<ISegment>({
      label: trans('Segments'),
      className: 'medlab-Segments-list',
      keyOf: segment => String(segment.id),
      makeRow: segment =>
        new SegmentRow(segment, _place, _edits, (event, grabbed) =>
          this._drag(event, grabbed)
        ),
      // Its number is its place in the whole list, not among those found.
      placeOf: segment => this._places.get(segment.id) ?? 0,
      onKey: (event, segment) => this._press(event, segment)
    });
    this._search.placeholder = trans('Search segments');
    this._search.setAttribute('aria-label', trans('Search segments'));
    this._search.addEventListener('input', () => this.update());
    this._search.addEventListener('keydown', event => this._leave(event));
    this._none.textContent = trans('No segment fits the search.');
    this.node.append(this._search, this._none, this._list.node);
    this._stop = [
      scene.labels.changed.connect(change => change.segments && this.update()),
      settings.changed.connect(() => this._markChosen())
    ];
    this.update();
  }

  readonly node = element('div', { className: 'medlab-Segments-body' });

  update(): void {
    const segments = this._edits.segments;
    this._search.hidden = segments.length < SEARCH_FROM;
    const shown = this._found(segments);
    this._none.hidden = shown.length > 0 || segments.length === 0;
    this._places = new Map(segments.map(({ id }, place) => [id, place]));
    this._list.show(shown);
    this._markChosen();
  }

  rename(id: number): void {
    this._list.reveal(String(id));
    this._row(id)?.rename();
  }

  dispose(): void {
    this._stop.forEach(stop => stop());
  }

  private _found(segments: readonly ISegment[]): readonly ISegment[] {
    const words = this._search.hidden
      ? ''
      : this._search.value.trim().toLowerCase();
    const { trans } = this._place;
    return words
      ? segments.filter(({ name, code, state }) =>
          [name, code?.meaning ?? '', trans(choiceOf(state).words)].some(text =>
            text.toLowerCase().includes(words)
          )
        )
      : segments;
  }

  private _press(event: KeyboardEvent, segment: ISegment): boolean {
    const { id } = segment;
    const { settings, hasTools } = this._place;
    if (event.key === 'Enter' || event.key === ' ') {
      settings.set({ segment: id });
      return true;
    }
    if (!hasTools) {
      return false;
    }
    if (event.altKey && ['ArrowUp', 'ArrowDown'].includes(event.key)) {
      this._edits.moveBy(id, event.key === 'ArrowUp' ? -1 : 1);
      this._list.focus(String(id));
      return true;
    }
    if (event.key === 'F2') {
      this.rename(id);
      return true;
    }
    if (event.key === 'Delete') {
      this._edits.remove(id);
      return true;
    }
    return false;
  }

  /** From the search to the rows found. */
  private _leave(event: KeyboardEvent): void {
    event.stopPropagation();
    if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      if (this._list.entry !== null) {
        this._list.focus(this._list.entry);
      }
    } else if (event.key === 'Escape') {
      this._search.value = '';
      this.update();
    }
  }

  private _drag(event: PointerEvent, segment: ISegment): void {
    const row = this._row(segment.id);
    if (row) {
      dragRow(event, row.node, {
        rows: () => Array.from(this._list.node.children) as HTMLElement[],
        drop: place => this._drop(segment.id, place)
      });
    }
  }

  /** @param place - among the rows shown, the moved one left out */
  private _drop(id: number, place: number): void {
    const shown = this._found(this._edits.segments).filter(
      each => each.id !== id
    );
    const all = this._edits.segments.filter(each => each.id !== id);
    const next = shown[place];
    const last = shown[shown.length - 1];
    const at = next ? all.indexOf(next) : all.indexOf(last) + 1;
    this._edits.move(id, at);
  }

  private _row(id: number): SegmentRow | undefined {
    const row = this._list.rowOf(String(id));
    return row instanceof SegmentRow ? row : undefined;
  }

  private _markChosen(): void {
    const chosen = this._place.settings.values.segment;
    if (chosen !== this._chosen) {
      this._row(this._chosen)?.markChosen(false);
      this._chosen = chosen;
      this._list.reveal(String(chosen));
    }
    this._row(chosen)?.markChosen(true);
  }

  private readonly _list: RovingList<ISegment>;
  private readonly _search = element('input', {
    className: 'medlab-Segments-search',
    attributes: { type: 'search', spellcheck: 'false' }
  });
  private readonly _none = element('p', { className: 'medlab-Segments-none' });
  private readonly _stop: (() => void)[];
  private _places = new Map<number, number>();
  private _chosen = -1;
}
