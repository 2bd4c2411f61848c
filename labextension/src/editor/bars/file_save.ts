import { ServerError } from '../../server/connection';
import { fetchScan } from '../../server/scans';
import type { ILayerFile, IScan, LabelFormat } from '../../server/types';

import type { IEditorContext } from '../context';
import { element } from '../dom';
import { icon } from '../icons';
import { textButton } from './controls';
import { fileName } from './download';

interface IFormat {
  format: LabelFormat;
  suffix: string;
  /** Before translation. */
  words: string;
}

const FORMATS: readonly IFormat[] = [
  { format: 'nifti', suffix: '.nii.gz', words: 'NIfTI with a label table' },
  { format: 'seg.nrrd', suffix: '.seg.nrrd', words: '3D Slicer (.seg.nrrd)' },
  { format: 'dicom-seg', suffix: '.seg.dcm', words: 'DICOM SEG' },
  { format: 'coco', suffix: '.json', words: 'Marks as COCO (.json)' },
  { format: 'csv', suffix: '.csv', words: 'Marks as a table (.csv)' }
];

/** These hold several layers in one file. */
const LAYERED: readonly LabelFormat[] = ['seg.nrrd', 'dicom-seg'];

const STATES: Record<ILayerFile['state'], string> = {
  none: 'Not saved to a file yet.',
  current: 'The file holds what you see.',
  behind: 'The file is older than what you see.',
  changed: 'Something else changed the file.',
  missing: 'The file is not there any more.'
};

/** Saves the labels to a file, and settles it when something else wrote that file. */
export class FileSave {
  /** @param readIn - called with the file that the reader wants instead of saving */
  constructor(
    private readonly _context: IEditorContext,
    private readonly _readIn: (path: string) => void
  ) {
    const { trans, session } = _context;
    this._path.setAttribute('aria-label', trans('File'));
    this._format.setAttribute('aria-label', trans('Format'));
    this._format.addEventListener('change', () => this._follow());
    const form = element('form', { className: 'medlab-File-form' }, [
      this._path,
      this._format,
      this._layersField(),
      element('button', {
        className: 'medlab-Editor-button medlab-mod-text medlab-mod-main',
        text: trans('Save'),
        attributes: { type: 'submit' }
      })
    ]);
    form.addEventListener('submit', event => {
      event.preventDefault();
      void this.save(this._path.value.trim(), this._chosen);
    });
    this.node = element('section', { className: 'medlab-File-section' }, [
      element('h3', { text: trans('Save to a file') }),
      this._state,
      form,
      this._conflict
    ]);
    this._conflict.hidden = true;
    this._stop = session.changed.connect(() => this._showState());
  }

  readonly node: HTMLElement;

  async open(): Promise<void> {
    const { server, scanId, session, signal, trans } = this._context;
    this._conflict.hidden = true;
    await session.file?.refresh(signal);
    this._scan ??= await fetchScan(server, scanId).catch(() => null);
    const formats = FORMATS.filter(
      ({ format }) =>
        format !== 'dicom-seg' || !this._scan || this._scan.format === 'dicom'
    );
    const chosen = this._chosen;
    this._format.replaceChildren(
      ...formats.map(({ format, words }) =>
        element('option', { text: trans(words), attributes: { value: format } })
      )
    );
    const path = session.file?.info.path;
    this._format.value = path ? formatOf(path) : (chosen ?? 'nifti');
    const isFocused = document.activeElement === this._path;
    if (!isFocused || !this._path.value) {
      this._path.value = path ?? this._proposed();
      this._follow();
      if (isFocused) {
        this._path.select(); // What is typed from here on takes its place.
      }
    } else {
      this._showLayers(); // A name is being typed: it stays as it is.
    }
    this._showState();
  }

  focus(): void {
    this._path.focus();
  }

  /** @returns false when the reader has to decide something, or it failed */
  async save(
    path: string,
    format?: LabelFormat,
    replace?: string
  ): Promise<boolean> {
    const { session, notify, trans } = this._context;
    if (!path || !session.file) {
      return false;
    }
    this._conflict.hidden = true;
    this.node.toggleAttribute('data-busy', true);
    try {
      await session.settled();
      const layers = this._all.checked
        ? session.others.list.map(({ name }) => name)
        : undefined;
      const options = { path, format, replace, layers };
      const saved = await session.file.save(options);
      this._path.value = saved.path;
      notify(trans('Saved to %1, and read back to compare.', saved.path));
      return true;
    } catch (error) {
      this._failed(error, path, format);
      return false;
    } finally {
      this.node.toggleAttribute('data-busy', false);
    }
  }

  dispose(): void {
    this._stop();
  }

  private get _chosen(): LabelFormat | undefined {
    return (this._format.value || undefined) as LabelFormat | undefined;
  }

  private _layersField(): HTMLElement {
    const words = this._context.trans('All layers in one file');
    this._layers.append(this._all, element('span', { text: words }));
    this._layers.hidden = true;
    return this._layers;
  }

  /** The name follows the format. */
  private _follow(): void {
    const chosen = this._chosen;
    const suffix = FORMATS.find(({ format }) => format === chosen)?.suffix;
    const stem = stemOf(this._path.value);
    if (suffix && stem) {
      this._path.value = `${stem}${suffix}`;
    }
    this._showLayers();
  }

  private _showLayers(): void {
    const chosen = this._chosen;
    const { list } = this._context.session.others;
    const isLayered = !!chosen && LAYERED.includes(chosen);
    this._layers.hidden = !isLayered || list.length < 2;
    this._all.checked &&= !this._layers.hidden;
  }

  private _proposed(): string {
    const { scene, session } = this._context;
    const { name } = scene.volume.info;
    const path = this._scan?.path ?? '';
    // A DICOM series is a folder: its labels lie beside it.
    const folder = path.startsWith('/') ? '' : path.replace(/[^/]*$/, '');
    return `${folder}${fileName(name, session.layer)}.nii.gz`;
  }

  private _showState(): void {
    const { session, trans } = this._context;
    const { state } = session.file?.info ?? { state: 'none' as const };
    // The server told before the last strokes.
    const now =
      state === 'current' && session.place !== 'file' ? 'behind' : state;
    this._state.dataset.state = now;
    this._state.textContent = trans(STATES[now]);
  }

  private _failed(error: unknown, path: string, format?: LabelFormat): void {
    const { trans } = this._context;
    if (!(error instanceof ServerError && error.code === 'file-changed')) {
      const text = error instanceof Error ? error.message : String(error);
      this._tell(text, []);
      return;
    }
    const sum = error.sha256 ?? undefined;
    this._tell(
      trans('Something else changed %1 since it was saved here last.', path),
      [
        textButton(
          trans('Keep both'),
          trans('Save these labels under another name'),
          () => void this.save(nextName(path), format)
        ),
        textButton(
          trans('Replace it'),
          trans('The old file is kept beside it'),
          () => void this.save(path, format, sum)
        ),
        textButton(
          trans('Read it in'),
          trans(
            'The labels become what the file holds; undo brings yours back'
          ),
          () => {
            this._conflict.hidden = true;
            this._readIn(path);
          }
        )
      ]
    );
  }

  private _tell(sentence: string, buttons: readonly Node[]): void {
    this._conflict.replaceChildren(
      icon('warning'),
      element('p', { text: sentence }),
      element('div', { className: 'medlab-File-actions' }, buttons)
    );
    this._conflict.hidden = false;
  }

  private readonly _stop: () => void;
  private _scan: IScan | null = null;
  private readonly _state = element('p', { className: 'medlab-File-state' });
  private readonly _path = element('input', {
    className: 'medlab-File-path',
    attributes: { type: 'text', spellcheck: 'false', required: '' }
  });
  private readonly _format = element('select', {
    className: 'medlab-File-format'
  });
  private readonly _all = element('input', {
    attributes: { type: 'checkbox' }
  });
  private readonly _layers = element('label', {
    className: 'medlab-File-layers'
  });
  private readonly _conflict = element('div', {
    className: 'medlab-File-conflict',
    attributes: { role: 'alert' }
  });
}

function formatOf(path: string): LabelFormat {
  const suffixes: readonly [string, LabelFormat][] = [
    ['.seg.nrrd', 'seg.nrrd'],
    ['.dcm', 'dicom-seg'],
    ['.json', 'coco'],
    ['.csv', 'csv']
  ];
  const lower = path.toLowerCase();
  return suffixes.find(([suffix]) => lower.endsWith(suffix))?.[1] ?? 'nifti';
}

function stemOf(path: string): string {
  return path.replace(
    /(\.nii\.gz|\.nii|\.seg\.nrrd|(\.seg)?\.dcm|\.json|\.csv)$/i,
    ''
  );
}

/** The same name with the next number: `a.nii.gz`, `a-2.nii.gz`, `a-3.nii.gz`. */
export function nextName(path: string): string {
  const stem = stemOf(path);
  const [, base, number] = /^(.*?)(?:-(\d+))?$/.exec(stem) ?? ['', stem, ''];
  return `${base}-${Number(number ?? 1) + 1}${path.slice(stem.length)}`;
}
