import type { IMark } from '../../server/types';

import { iconButton, press, textButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';
import { RovingList } from '../segments/roving_list';
import { dress } from '../segments/segment_row';
import { nearestVoxel } from '../view/geometry';

import { ClassForm } from './class_form';
import { middle } from './mark';
import { boardOf, type MarkBoard } from './mark_board';
import { MarkDetails } from './mark_details';
import { MarkOverlay } from './mark_overlay';
import { MarkRow } from './mark_row';

/** The marks of the layer: on the planes, in a list, and the selected one in detail. */
export class MarkPanel {
  constructor(private readonly _context: IEditorContext) {
    const { trans, settings, hasTools } = _context;
    this._board = boardOf(_context);
    this._overlay = new MarkOverlay(_context, this._board);
    this._details = new MarkDetails(_context, this._board);
    this._form = new ClassForm(_context, this._board);
    this._form.node.hidden = true;
    this._list = new RovingList<IMark>({
      label: trans('Marks'),
      className: 'medlab-Marks-list',
      keyOf: mark => mark.id,
      makeRow: mark =>
        new MarkRow(mark, this._board, chosen => this._choose(chosen)),
      onKey: (event, mark) => this._press(event, mark)
    });
    this._none.textContent = trans(
      'No points, boxes, measurements or classes.'
    );
    this.node.append(
      this._regionField(),
      this._form.node,
      this._none,
      this._list.node,
      this._details.node
    );
    this._eye = iconButton('eye', trans('Hide the marks'), () =>
      this.toggleShown()
    );
    this._region.hidden = settings.values.tool !== 'roi';
    this.buttons = [this._count, this._eye];
    if (hasTools) {
      const add = iconButton('classes', trans('Add a class'), () =>
        this.addClass()
      );
      this.buttons.push(add);
    }
    this._stop = [
      this._board.changed.connect(() => this._wake()),
      settings.changed.connect(({ tool }) => {
        this._region.hidden = tool !== 'roi';
      })
    ];
    this.update();
  }

  readonly node = element('div', { className: 'medlab-MarkPanel' });
  /** For the heading of the section. */
  readonly buttons: HTMLElement[];

  /** Opens the form for a class of the study, the scan or the slice. */
  addClass(): void {
    this._context.showSection('marks');
    this._form.open();
  }

  /** False when no mark is selected. */
  removeSelected(): boolean {
    const { selected } = this._board;
    if (selected) {
      this._board.remove(selected);
    }
    return selected !== null;
  }

  toggleShown(): void {
    this._board.areShown = !this._board.areShown;
  }

  update(): void {
    const { marks, areShown, selected } = this._board;
    const { trans } = this._context;
    this._none.hidden = marks.length > 0;
    this._count.textContent = marks.length > 0 ? String(marks.length) : '';
    this._list.show(marks);
    if (selected !== this._revealed) {
      this._revealed = selected;
      if (selected) {
        this._list.enter(selected);
        this._list.reveal(selected);
      }
    }
    this._details.show(this._board.find(selected));
    const title = areShown ? trans('Hide the marks') : trans('Show the marks');
    dress(this._eye, areShown ? 'eye' : 'eyeOff', title);
  }

  dispose(): void {
    cancelAnimationFrame(this._frame);
    this._stop.forEach(stop => stop());
    this._overlay.dispose();
    this._board.dispose();
  }

  /** Once a frame: a mark that is being moved changes many times. */
  private _wake(): void {
    this._frame ||= requestAnimationFrame(() => {
      this._frame = 0;
      this.update();
    });
  }

  private _choose(mark: IMark): void {
    this._board.select(mark.id);
    const { scene, announce } = this._context;
    if (mark.points.length > 0) {
      const { shape } = scene.volume.info;
      scene.moveCrosshair(nearestVoxel(shape, middle(mark)));
    }
    announce(mark.name);
  }

  private _press(event: KeyboardEvent, mark: IMark): boolean {
    const { hasTools } = this._context;
    if (event.key === 'Enter' || event.key === ' ') {
      this._choose(mark);
      return true;
    }
    if (event.key === 'F2' && hasTools) {
      const row = this._list.rowOf(mark.id);
      if (row instanceof MarkRow) {
        row.rename();
      }
      return true;
    }
    if (event.key === 'Delete' && hasTools) {
      this._board.remove(mark.id);
      return true;
    }
    return false;
  }

  /** Round or square, while the region tool is in the hand. */
  private _regionField(): HTMLElement {
    const { trans } = this._context;
    const buttons = (['ellipse', 'rectangle'] as const).map(kind => {
      const words = kind === 'ellipse' ? trans('Ellipse') : trans('Rectangle');
      const button = textButton(words, words, () => {
        this._board.regionKind = kind;
        show();
      });
      return { kind, button };
    });
    const show = () =>
      buttons.forEach(({ kind, button }) =>
        press(button, this._board.regionKind === kind)
      );
    show();
    this._region.append(
      element('span', { text: trans('Region (Alt: the other)') }),
      ...buttons.map(({ button }) => button)
    );
    return this._region;
  }

  private readonly _board: MarkBoard;
  private readonly _overlay: MarkOverlay;
  private readonly _details: MarkDetails;
  private readonly _form: ClassForm;
  private readonly _list: RovingList<IMark>;
  private readonly _eye: HTMLButtonElement;
  private readonly _count = element('span', {
    className: 'medlab-Segments-summary'
  });
  private readonly _none = element('p', { className: 'medlab-Segments-none' });
  private readonly _region = element('div', {
    className: 'medlab-SegmentDetails-field'
  });
  private readonly _stop: (() => void)[];
  private _revealed: string | null = null;
  private _frame = 0;
}
