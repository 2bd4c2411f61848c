import { isAbort } from '../../server/connection';
import { cancelSmart, pollSmart, postSmart } from '../../server/smart';

import { iconButton, textButton } from '../bars/controls';
import type { IEditorContext } from '../context';
import { element } from '../dom';
import { ijkOf, nearestVoxel } from '../view/geometry';
import { unitsOf } from '../view/units';

import { type ISegmentStatistics, statisticsCsv } from './statistics_csv';

/** Volume, intensities, surface and diameter of each segment, measured when asked for. */
export class StatisticsTable {
  constructor(private readonly _context: IEditorContext) {
    const { trans, scene } = _context;
    const download = iconButton('download', trans('Download as CSV'), () =>
      this._download()
    );
    const copy = iconButton(
      'copy',
      trans('Copy as CSV'),
      () => void this._copy()
    );
    const update = textButton(
      trans('Update'),
      trans('Measure again'),
      () => void this.update()
    );
    const close = iconButton('close', trans('Close'), () => this.close());
    this.node = element(
      'section',
      {
        className: 'medlab-Statistics',
        attributes: { 'aria-label': trans('Statistics of the segments') }
      },
      [
        element('div', { className: 'medlab-Statistics-heading' }, [
          element('span', {
            className: 'medlab-Statistics-title',
            text: trans('Statistics')
          }),
          this._state,
          update,
          copy,
          download,
          close
        ]),
        element('div', { className: 'medlab-Statistics-scroll' }, [this._table])
      ]
    );
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this.close();
      }
    });
    this._stop = scene.labels.changed.connect(({ box, segments }) => {
      if (this.isOpen && box && this._rows) {
        this._showState(trans('Out of date: labels changed since.'), true);
      }
      if (this.isOpen && segments) {
        this._show();
      }
    });
  }

  readonly node: HTMLElement;

  get isOpen(): boolean {
    return this.node.isConnected;
  }

  /** Opens below the planes and measures. */
  open(): void {
    if (!this.isOpen) {
      this._returnTo = document.activeElement;
      this._context.planes.node.append(this.node);
      void this.update();
    }
    this.node.querySelector<HTMLElement>('button')?.focus();
  }

  toggle(): void {
    if (this.isOpen) {
      this.close();
    } else {
      this.open();
    }
  }

  close(): void {
    this._stopAsking();
    this.node.remove();
    if (this._returnTo instanceof HTMLElement) {
      this._returnTo.focus();
    }
  }

  async update(): Promise<void> {
    this._stopAsking();
    const asking = new AbortController();
    this._asking = asking;
    const { trans, notify } = this._context;
    this._showState(trans('Measuring…'));
    try {
      this._rows = await this._ask(asking.signal);
      this._showState('');
      this._show();
      notify(trans('Statistics of %1 segments measured.', this._rows.length));
    } catch (error) {
      if (!isAbort(error) && !asking.signal.aborted) {
        this._showState(error instanceof Error ? error.message : '', true);
      }
    }
  }

  dispose(): void {
    this._stopAsking();
    this._stop();
    this.node.remove();
  }

  private async _ask(signal: AbortSignal): Promise<ISegmentStatistics[]> {
    const { server, scanId, session, trans } = this._context;
    const rev = await session.settled();
    const body = {
      ...{ scan: scanId, layer: session.layer, rev },
      params: { segments: null }
    };
    let reply = await postSmart(server, 'statistics', body, signal);
    while (reply.kind === 'job') {
      this._job = reply.job;
      const percent = Math.round(100 * (reply.progress ?? 0));
      this._showState(trans('Measuring… %1 %', percent));
      reply = await pollSmart(server, reply.job, 2, signal);
    }
    this._job = null;
    return reply.kind === 'answer'
      ? ((reply.answer.rows ?? []) as ISegmentStatistics[])
      : [];
  }

  private _stopAsking(): void {
    this._asking?.abort();
    if (this._job) {
      void cancelSmart(this._context.server, this._job).catch(() => undefined);
      this._job = null;
    }
  }

  private _show(): void {
    const { trans, scene, settings } = this._context;
    const { unit } = scene.volume.info;
    const units = unitsOf(scene.volume.info);
    // A millilitre is a thousand cubic millimetres; cubic pixels are told as they are.
    const isMm = units.length === 'mm';
    const head = [
      trans('Segment'),
      trans('Voxels'),
      isMm ? 'mL' : trans('Volume %1', units.volume),
      ...[trans('Mean'), trans('SD'), trans('Median')].map(each =>
        unit ? `${each} ${unit}` : each
      ),
      trans('Min'),
      trans('Max'),
      trans('Surface %1', units.area),
      trans('Diameter %1', units.length)
    ];
    const header = element('thead', {}, [
      element(
        'tr',
        {},
        head.map(text => element('th', { text, attributes: { scope: 'col' } }))
      )
    ]);
    const rows = (this._rows ?? []).map(row => {
      const name = element('button', {
        className: 'medlab-Statistics-name',
        title: trans('Go to this segment'),
        attributes: { type: 'button' }
      });
      const color = element('span', { className: 'medlab-Segment-dot' });
      color.style.background = scene.labels.segment(row.segment)?.color ?? '';
      name.append(color, this._nameOf(row.segment));
      name.addEventListener('click', () => {
        settings.set({ segment: row.segment });
        if (row.centroid_mm) {
          const { grid, info } = scene.volume;
          const ijk = ijkOf(grid, row.centroid_mm);
          scene.moveCrosshair(nearestVoxel(info.shape, ijk));
        }
      });
      const numbers = [
        row.voxels.toLocaleString('en').replaceAll(',', '\u202f'),
        number(isMm ? row.volume_mm3 / 1000 : row.volume_mm3),
        ...[row.mean, row.sd, row.median, row.min, row.max].map(number),
        ...[row.surface_mm2, row.diameter_mm].map(number)
      ];
      return element('tr', {}, [
        element('th', { attributes: { scope: 'row' } }, [name]),
        ...numbers.map(text => element('td', { text }))
      ]);
    });
    this._table.replaceChildren(header, element('tbody', {}, rows));
  }

  private _nameOf(segment: number): string {
    const { labels } = this._context.scene;
    return labels.segment(segment)?.name ?? String(segment);
  }

  private _showState(text: string, isStale = false): void {
    this._state.textContent = text;
    this.node.classList.toggle('medlab-mod-stale', isStale);
  }

  private _csv(): string {
    const { length } = unitsOf(this._context.scene.volume.info);
    return statisticsCsv(this._rows ?? [], id => this._nameOf(id), length);
  }

  private async _copy(): Promise<void> {
    const { notify, trans } = this._context;
    try {
      await navigator.clipboard.writeText(this._csv());
      notify(trans('Copied the table as CSV.'));
    } catch {
      notify(
        trans('The browser does not let pages copy: download it.'),
        'alert'
      );
    }
  }

  private _download(): void {
    const url = URL.createObjectURL(
      new Blob([this._csv()], { type: 'text/csv' })
    );
    const link = element('a', {
      attributes: { href: url, download: 'statistics.csv' }
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  }

  private readonly _state = element('span', {
    className: 'medlab-Statistics-state',
    attributes: { role: 'status' }
  });
  private readonly _table = element('table', {
    className: 'medlab-Statistics-table'
  });
  private readonly _stop: () => void;
  private _rows: ISegmentStatistics[] | null = null;
  private _asking: AbortController | null = null;
  private _job: string | null = null;
  private _returnTo: Element | null = null;
}

function number(value: number | null): string {
  if (value === null || !Number.isFinite(value)) {
    return '–';
  }
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return String(+value.toFixed(digits));
}
