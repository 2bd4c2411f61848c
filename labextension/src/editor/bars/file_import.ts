import { fetchLabelFiles } from '../../server/labels';
import type { ISnapshot } from '../../server/messages';
import type { ILabelFile } from '../../server/types';

import type { IEditorContext } from '../context';
import { element } from '../dom';
import { TooManySegments } from '../labels/import';
import { textButton } from './controls';

/** Reads a label file in: shows what it holds first, then does it as one step. */
export class FileImport {
  constructor(
    private readonly _context: IEditorContext,
    /** Called when the file was read in. */
    private readonly _done: () => void
  ) {
    const { trans } = _context;
    this.node = element('section', { className: 'medlab-File-section' }, [
      element('h3', { text: trans('Read a file in') }),
      this._list,
      this._preview,
      this._notice
    ]);
    this.node.hidden = !_context.hasTools;
    this._preview.hidden = true;
  }

  readonly node: HTMLElement;

  async open(): Promise<void> {
    const { server, scanId, signal, trans } = this._context;
    this._close();
    this._list.replaceChildren(element('li', { text: trans('Looking…') }));
    try {
      const files = await fetchLabelFiles(server, scanId, signal);
      this._list.replaceChildren(...files.map(file => this._row(file)));
      if (files.length === 0) {
        const words = trans('No label file beside this scan fits it.');
        this._list.replaceChildren(element('li', { text: words }));
      }
    } catch (error) {
      this._list.replaceChildren();
      this._complain(error);
    }
  }

  /** Shows what a file holds, to be taken in the place of what is drawn. */
  read(path: string): Promise<void> {
    return this._show(path, true);
  }

  private _row(file: ILabelFile): HTMLElement {
    const { trans } = this._context;
    const button = textButton(
      trans('Look at it'),
      trans('Shows the segments of %1', file.path),
      () => void this._show(file.path, false)
    );
    const name = element('span', {
      className: 'medlab-File-name',
      text: file.name,
      title: file.path
    });
    const format = element('span', {
      className: 'medlab-File-kind',
      text: file.format
    });
    return element('li', {}, [name, format, button]);
  }

  private async _show(path: string, replaces: boolean): Promise<void> {
    const { session, trans } = this._context;
    this._close();
    this.node.toggleAttribute('data-busy', true);
    try {
      const snapshots = await session.readFile(path);
      const take = (isReplacing: boolean) => () =>
        void this._take(snapshots, path, isReplacing);
      const add = textButton(
        trans('Add to the labels'),
        trans('What is drawn stays; what overlaps it becomes a further layer'),
        take(false)
      );
      const replace = textButton(
        trans('Replace the labels'),
        trans('The labels become what the file holds; locked segments stay'),
        take(true)
      );
      const main = replaces ? replace : add;
      main.classList.add('medlab-mod-main');
      this._preview.replaceChildren(
        element('p', { className: 'medlab-File-name', text: path }),
        ...snapshots.map(snapshot => this._contents(snapshot)),
        element('div', { className: 'medlab-File-actions' }, [
          ...(replaces ? [replace, add] : [add, replace]),
          textButton(
            trans('Cancel'),
            trans('Leave the labels as they are'),
            () => this._close()
          )
        ])
      );
      this._preview.hidden = false;
      main.focus();
    } catch (error) {
      this._complain(error);
    } finally {
      this.node.toggleAttribute('data-busy', false);
    }
  }

  private _contents({ segments, marks }: ISnapshot): HTMLElement {
    const { trans } = this._context;
    const items = segments.map(({ name, color }) => {
      const chip = element('span', { className: 'medlab-File-chip' });
      chip.style.background = color;
      return element('li', {}, [chip, element('span', { text: name })]);
    });
    if (marks.length > 0) {
      const words = trans('%1 marks', marks.length);
      items.push(element('li', { text: words }));
    }
    return element('ul', { className: 'medlab-File-contents' }, items);
  }

  private async _take(
    snapshots: readonly ISnapshot[],
    path: string,
    replaces: boolean
  ): Promise<void> {
    const { session, notify, trans } = this._context;
    try {
      const layers = await session.takeIn(snapshots, replaces);
      this._close();
      notify(trans('%1 is read into: %2.', path, layers.join(', ')));
      void session.file?.refresh();
      this._done();
    } catch (error) {
      this._complain(error);
    }
  }

  private _close(): void {
    this._preview.hidden = true;
    this._notice.textContent = '';
  }

  private _complain(error: unknown): void {
    const { trans } = this._context;
    this._notice.textContent =
      error instanceof TooManySegments
        ? trans(
            'The layer has room for 255 segments. Begin another scan’s layer.'
          )
        : error instanceof Error
          ? error.message
          : String(error);
  }

  private readonly _list = element('ul', { className: 'medlab-File-list' });
  private readonly _preview = element('div', {
    className: 'medlab-File-preview'
  });
  private readonly _notice = element('p', {
    className: 'medlab-File-notice',
    attributes: { role: 'alert' }
  });
}
