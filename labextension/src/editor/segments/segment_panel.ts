import { iconButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';

import { SegmentCommands } from './segment_commands';
import { SegmentDetails } from './segment_details';
import { SegmentEdits } from './segment_edits';
import { SegmentList } from './segment_list';
import { summary } from './segment_state';
import { StatisticsTable } from './statistics_table';

/** The segments of the layer: how far they are, the list, and the chosen one in detail. */
export class SegmentPanel {
  constructor(private readonly _context: IEditorContext) {
    const { trans, scene, hasTools } = _context;
    this.edits = new SegmentEdits(_context);
    this._statistics = new StatisticsTable(_context);
    this.commands = new SegmentCommands(_context, this.edits, this._statistics);
    this._list = new SegmentList(_context, this.edits);
    this._details = new SegmentDetails(
      ...([_context, this.edits, this.commands] as const),
      id => this._list.rename(id)
    );
    this.node.append(this._list.node, this._summary, this._details.node);
    this.buttons = [];
    if (hasTools) {
      const statistics = iconButton(
        'statistics',
        trans('Statistics of the segments'),
        () => this._statistics.toggle()
      );
      const add = iconButton('plus', trans('Add a segment'), () => {
        const { id } = this.edits.add();
        this._list.rename(id);
      });
      add.classList.add('medlab-Segments-add');
      this.buttons.push(statistics, add);
    }
    this._stop = scene.labels.changed.connect(
      change => change.segments && this._update()
    );
    this._update();
  }

  readonly node = element('div', { className: 'medlab-Segments' });
  /** For the heading of the section. */
  readonly buttons: HTMLElement[];
  readonly edits: SegmentEdits;
  readonly commands: SegmentCommands;

  dispose(): void {
    this._stop();
    this._list.dispose();
    this._details.dispose();
    this._statistics.dispose();
  }

  private _update(): void {
    const text = summary(this.edits.segments, this._context.trans);
    this._summary.textContent = text;
    this._summary.hidden = text === '';
  }

  private readonly _summary = element('p', {
    className: 'medlab-Segments-summary medlab-mod-line'
  });
  private readonly _list: SegmentList;
  private readonly _details: SegmentDetails;
  private readonly _statistics: StatisticsTable;
  private readonly _stop: () => void;
}
