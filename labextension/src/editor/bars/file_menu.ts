import type { IEditorContext } from '../context';
import { element } from '../dom';
import { icon } from '../icons';
import { iconButton } from './controls';
import { downloadLabels } from './download';
import { FileImport } from './file_import';
import { FileSave } from './file_save';

/**
 * The button beside the saving state, and the panel that it opens: save to a file, read
 * one in, download a copy.
 */
export class FileMenu {
  constructor(private readonly _context: IEditorContext) {
    const { trans, session, signal } = _context;
    const label = trans('Files of these labels');
    this._save = new FileSave(_context, path => void this._import.read(path));
    this._import = new FileImport(_context, () => this.close());
    this._button = element(
      'button',
      {
        className: 'medlab-Editor-button medlab-File-button',
        title: trans('Save to a file, read a file in'),
        attributes: { type: 'button', 'aria-expanded': 'false' }
      },
      [icon('file'), element('span', { text: trans('File') })]
    );
    this._button.addEventListener('click', () =>
      this._panel.hidden ? this.open() : this.close()
    );
    this._panel = element(
      'div',
      {
        className: 'medlab-File',
        attributes: { role: 'dialog', 'aria-label': label }
      },
      [
        element('div', { className: 'medlab-File-heading' }, [
          element('h2', { text: label }),
          iconButton('close', trans('Close'), () => this.close())
        ]),
        this._save.node,
        this._import.node,
        this._downloads()
      ]
    );
    this._panel.hidden = true;
    this.node = element('div', { className: 'medlab-File-place' }, [
      this._button,
      this._panel
    ]);
    this._closeOnLeaving(signal);
    // Another program may have written the file while the reader was there.
    window.addEventListener('focus', () => void session.file?.refresh(signal), {
      signal
    });
    signal.addEventListener('abort', () => this.dispose());
  }

  readonly node: HTMLElement;

  open(): void {
    this._show();
    void this._save.open();
  }

  close(): void {
    if (this._panel.contains(document.activeElement)) {
      this._button.focus();
    }
    this._panel.hidden = true;
    this._button.setAttribute('aria-expanded', 'false');
  }

  /** Writes the labels to their file; asks for one where there is none yet. */
  async save(): Promise<void> {
    const { session } = this._context;
    const path = session.file?.info.path;
    if (!path) {
      this.open();
      this._save.focus();
      return;
    }
    if (!(await this._save.save(path))) {
      this._show(); // It asks what to do.
    }
  }

  dispose(): void {
    this._save.dispose();
    this.node.remove();
  }

  private _show(): void {
    this._panel.hidden = false;
    this._button.setAttribute('aria-expanded', 'true');
    void this._import.open();
  }

  private _downloads(): HTMLElement {
    const { trans, notify } = this._context;
    const button = element(
      'button',
      {
        className: 'medlab-Editor-button medlab-mod-text',
        attributes: { type: 'button' }
      },
      [icon('download'), element('span', { text: trans('Download a copy') })]
    );
    button.addEventListener('click', () => {
      downloadLabels(this._context).catch((error: unknown) =>
        notify(trans('The copy could not be made: %1', String(error)), 'alert')
      );
    });
    return element('section', { className: 'medlab-File-section' }, [
      element('h3', { text: trans('Without the server') }),
      element('p', {
        text: trans('A .seg.nrrd file for 3D Slicer, made in this browser.')
      }),
      button
    ]);
  }

  private _closeOnLeaving(signal: AbortSignal): void {
    this._panel.addEventListener('keydown', event => {
      // What is typed here is no key of the editor.
      event.stopPropagation();
      if (event.key === 'Escape') {
        this.close();
      }
    });
    document.addEventListener(
      'pointerdown',
      ({ target }) => {
        const isInside = target instanceof Node && this.node.contains(target);
        if (!isInside && !this._panel.hidden) {
          this.close();
        }
      },
      { signal, capture: true }
    );
  }

  private readonly _button: HTMLButtonElement;
  private readonly _panel: HTMLElement;
  private readonly _save: FileSave;
  private readonly _import: FileImport;
}
