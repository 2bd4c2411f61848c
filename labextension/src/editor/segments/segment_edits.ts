import type { ISegment } from '../../server/types';
import { fullSegment } from '../../server/wire';

import { segmentsEdit } from '../labels/delta';
import type { LabelSession } from '../labels/label_session';
import { type ISegmentActions, PALETTE } from './segment_list';
import type { Settings } from '../settings';

/** Adds, changes and removes segments, each as one step of the history. */
export class SegmentEdits implements ISegmentActions {
  constructor(
    private readonly _session: LabelSession,
    private readonly _settings: Settings,
    private readonly _trans: (text: string) => string
  ) {}

  add(): void {
    const before = this._session.labels.segments;
    const id = Math.max(0, ...before.map(segment => segment.id)) + 1;
    const segment: ISegment = fullSegment({
      id,
      name: `${this._trans('segment')} ${id}`,
      color: PALETTE[(id - 1) % PALETTE.length]
    });
    this._commit([...before, segment]);
    this._settings.set({ segment: id });
  }

  change(id: number, fields: Partial<ISegment>): void {
    this._commit(
      this._session.labels.segments.map(segment =>
        segment.id === id ? { ...segment, ...fields } : segment
      )
    );
  }

  remove(id: number): void {
    this._session.removeSegment(id);
    if (this._settings.values.segment === id) {
      const first = this._session.labels.segments[0]?.id ?? 0;
      this._settings.set({ segment: first });
    }
  }

  private _commit(after: ISegment[]): void {
    const { labels } = this._session;
    const before = labels.segments;
    labels.setSegments(after);
    this._session.commit([segmentsEdit(before, after)]);
  }
}
