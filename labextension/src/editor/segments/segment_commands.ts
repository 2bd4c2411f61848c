import type { IEditorContext } from '../context';

import type { SegmentEdits } from './segment_edits';
import type { StatisticsTable } from './statistics_table';
import { centerOf, nextSliceWith } from './where';

/** What keys, palette and toolbar ask of the segment that is chosen. */
export class SegmentCommands {
  constructor(
    private readonly _context: IEditorContext,
    private readonly _edits: SegmentEdits,
    private readonly _statistics: StatisticsTable
  ) {}

  add(): void {
    this._edits.add();
  }

  /** Chooses by place in the list, counted from 0. */
  choose(place: number): void {
    const segment = this._edits.segments[place];
    if (segment) {
      const { settings, announce } = this._context;
      settings.set({ segment: segment.id });
      announce(segment.name);
    }
  }

  /** Chooses the next (1) or the previous (-1) one; the last is followed by the first. */
  step(by: 1 | -1): void {
    const { segments } = this._edits;
    const at = segments.findIndex(({ id }) => id === this._chosen);
    if (segments.length > 0) {
      this.choose((at + by + segments.length) % segments.length);
    }
  }

  toggleLock(): void {
    this._toggle('locked', 'Locked %1', 'Unlocked %1');
  }

  toggleVisible(): void {
    this._toggle('visible', 'Shown: %1', 'Hidden: %1');
  }

  nextState(): void {
    this._edits.advance(this._chosen);
  }

  statistics(): void {
    this._statistics.open();
  }

  showOnly(): void {
    this._edits.showOnly(this._chosen);
  }

  /** To the next (1) or the previous (-1) slice of the focused plane that holds it. */
  goToSlice(towards: 1 | -1): void {
    const { planes, scene, notify, trans } = this._context;
    const { slice, index } = planes.focused;
    const step = (towards * slice.stepW) as 1 | -1;
    const { labels } = scene;
    const next = nextSliceWith(labels, this._chosen, slice.w, index, step);
    if (next === null) {
      notify(trans('No further slice with %1 this way.', this._name));
    } else {
      scene.goTo(slice.w, next);
    }
  }

  goToMiddle(): void {
    const { scene, notify, trans } = this._context;
    const at = centerOf(scene.labels, this._chosen, scene.volume.grid);
    if (at) {
      scene.moveCrosshair(at);
    } else {
      notify(trans('%1 has no voxels yet.', this._name));
    }
  }

  private _toggle(key: 'locked' | 'visible', on: string, off: string): void {
    const segment = this._edits.segments.find(({ id }) => id === this._chosen);
    if (segment) {
      const { notify, trans } = this._context;
      this._edits.change(segment.id, { [key]: !segment[key] });
      notify(trans(segment[key] ? off : on, segment.name));
    }
  }

  private get _name(): string {
    const { scene } = this._context;
    return scene.labels.segment(this._chosen)?.name ?? '';
  }

  private get _chosen(): number {
    return this._context.settings.values.segment;
  }
}
