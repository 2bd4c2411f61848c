import type { ISegment } from '../../server/types';

import type { IEditorContext } from '../context';

import { nextColor } from './palette';
import { choiceOf, stateAfter } from './segment_state';

type Place = Pick<
  IEditorContext,
  'session' | 'settings' | 'trans' | 'notify' | 'hasTools'
>;

/** Adds, changes, orders and removes segments, each as one step of the history. */
export class SegmentEdits {
  constructor(private readonly _place: Place) {}

  get segments(): readonly ISegment[] {
    return this._place.session.labels.segments;
  }

  /** Adds a segment and chooses it. */
  add(fields: Partial<ISegment> = {}): ISegment {
    const { settings, trans } = this._place;
    const id = Math.max(0, ...this.segments.map(segment => segment.id)) + 1;
    const segment: ISegment = {
      id,
      name: trans('segment %1', id),
      color: nextColor(this.segments),
      locked: false,
      visible: true,
      opacity: 100,
      outlined: true,
      state: 'not-started',
      code: null,
      ...fields
    };
    this._commit([...this.segments, segment]);
    settings.set({ segment: id });
    return segment;
  }

  change(id: number, fields: Partial<Omit<ISegment, 'id'>>): void {
    const segment = this._place.session.labels.segment(id);
    const keys = Object.keys(fields) as (keyof typeof fields)[];
    if (segment && keys.some(key => segment[key] !== fields[key])) {
      this._commit(
        this.segments.map(each =>
          each.id === id ? { ...each, ...fields } : each
        )
      );
    }
  }

  /** From not started to in progress, completed, flagged, and around. */
  advance(id: number): void {
    const segment = this._place.session.labels.segment(id);
    if (segment) {
      const state = stateAfter(segment.state);
      const { trans, notify } = this._place;
      this.change(id, { state });
      notify(trans('%1: %2', segment.name, trans(choiceOf(state).words)));
    }
  }

  /** Puts a segment at another place of the list, counted from 0. */
  move(id: number, place: number): void {
    const segment = this.segments.find(each => each.id === id);
    if (!segment) {
      return;
    }
    const others = this.segments.filter(each => each.id !== id);
    const at = Math.min(others.length, Math.max(0, place));
    if (this.segments[at]?.id === id) {
      return;
    }
    this._commit([...others.slice(0, at), segment, ...others.slice(at)]);
    const { notify, trans } = this._place;
    notify(
      trans('%1 is number %2 of %3', segment.name, at + 1, others.length + 1)
    );
  }

  moveBy(id: number, steps: number): void {
    this.move(id, this.segments.findIndex(each => each.id === id) + steps);
  }

  /** Shows this segment alone; all of them when it is alone already. */
  showOnly(id: number): void {
    const isAlone = this.isAlone(id);
    this._commit(
      this.segments.map(segment => ({
        ...segment,
        visible: isAlone || segment.id === id
      }))
    );
  }

  isAlone(id: number): boolean {
    return this.segments.every(
      segment => segment.visible === (segment.id === id)
    );
  }

  /** Clears the segment's voxels and takes it from the list, as one step. */
  remove(id: number): void {
    const { session, settings, trans, notify } = this._place;
    const segments = this.segments;
    const at = segments.findIndex(segment => segment.id === id);
    const segment = segments[at];
    if (!segment) {
      return;
    }
    if (segment.locked) {
      notify(
        trans('%1 is locked: unlock it to remove it.', segment.name),
        'alert'
      );
      return;
    }
    session.removeSegment(id);
    if (settings.values.segment === id) {
      const next =
        session.labels.segments[at] ?? session.labels.segments[at - 1];
      settings.set({ segment: next?.id ?? 0 });
    }
    notify(trans('Removed %1. Undo brings it back.', segment.name));
  }

  private _commit(after: ISegment[]): void {
    const { session, hasTools } = this._place;
    if (hasTools) {
      session.commitSegments(after);
    } else {
      // Who only looks hides a segment for himself.
      session.labels.setSegments(after);
    }
  }
}
