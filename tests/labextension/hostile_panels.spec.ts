// @vitest-environment jsdom
import { nullTranslator } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import { createElement, type ReactElement } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { flushSync } from 'react-dom';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';

import { Archive } from '../../labextension/src/dicomweb/archive';
import { ArchivePanel } from '../../labextension/src/dicomweb/panel';
import { SendLabels } from '../../labextension/src/dicomweb/send_labels';
import { ScanDetails } from '../../labextension/src/scans/details';
import { GroupRow } from '../../labextension/src/scans/group_row';
import { ScanHeader } from '../../labextension/src/scans/header';
import { IndexingBar } from '../../labextension/src/scans/indexing';
import { ServerProblem } from '../../labextension/src/scans/nothing';
import { ScanRow } from '../../labextension/src/scans/row';
import { TagsView } from '../../labextension/src/scans/tags_view';
import { Thumbnails } from '../../labextension/src/scans/thumbnails';
import type { ScanCatalog } from '../../labextension/src/scans/catalog';
import {
  type IServer,
  ServerError
} from '../../labextension/src/server/connection';
import type {
  IMetricLine,
  IRun,
  IRunStatus,
  IScan
} from '../../labextension/src/server/types';
import { RunDetail } from '../../labextension/src/training/detail';
import { Exports } from '../../labextension/src/training/exports';
import { RunList } from '../../labextension/src/training/list';
import { Output } from '../../labextension/src/training/output';
import { RunTail } from '../../labextension/src/training/tail';
import detail from '../contract/run-detail.json';
import listing from '../contract/scans-search.json';
import { expectText, IN_TENS, INJECTIONS } from './hostile_text';
import { standInForBrowser } from './stand_ins';

type Say = (text: string) => string;

// What is wanted of it is little, and loading it takes a whole browser.
vi.mock('@jupyterlab/ui-components', () => ({
  LabIcon: class {
    react = () => null;
  },
  ReactWidget: class {
    readonly node = document.createElement('div');
    readonly title = {};
    addClass() {}
    update() {}
  },
  UseSignal: (props: { children(): ReactElement }) => props.children(),
  copyIcon: { react: () => null },
  refreshIcon: { react: () => null }
}));
vi.mock('@jupyterlab/apputils', () => ({ Clipboard: {} }));
const page = vi.hoisted(() => ({ server: null as IServer | null }));
vi.mock('../../labextension/src/server/page', () => ({
  serverFromPage: () => page.server
}));

const trans = nullTranslator.load('medlab');
const scan = listing.scans[0] as IScan;
const nothing = () => undefined;

let root: Root | null = null;

beforeAll(standInForBrowser);
afterEach(() => {
  root?.unmount();
  root = null;
});

/** One place at a time: the one before is taken down. */
function draw(element: ReactElement): HTMLElement {
  const host = document.createElement('div');
  root?.unmount();
  root = createRoot(host);
  flushSync(() => root?.render(element));
  return host;
}

/** What a widget draws into its node. */
function rendered(widget: unknown): HTMLElement {
  return draw((widget as { render(): ReactElement }).render());
}

function serverWith(answers: Record<string, unknown>): IServer {
  return {
    labextensions: '',
    request: (path: string) => {
      const key = Object.keys(answers).find(part => path.includes(part));
      const reply = key === undefined ? {} : answers[key];
      return Promise.resolve(
        reply instanceof Response ? reply : new Response(JSON.stringify(reply))
      );
    }
  } as IServer;
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise(resolve => setTimeout(resolve));
  }
}

/** Every text of an object but these becomes the hostile one. */
function poisoned<T extends object>(whole: T, say: Say, ...kept: string[]): T {
  const told = Object.entries(whole).map(([name, value]) => [
    name,
    typeof value === 'string' && !kept.includes(name) ? say(name) : value
  ]);
  return Object.fromEntries(told) as T;
}

function hostileScan(say: Say): IScan {
  return {
    ...poisoned(scan, say, 'id', 'format', 'spacing_unit'),
    ...{ patient: say('patient'), patient_id: say('id'), study: say('study') },
    ...{ description: say('d'), date: say('date'), body_part: say('part') },
    ...{ frames: 2, frame_kind: say('kind'), frame_values: [say('v'), 'w'] },
    ...{ labels: true, layers: [say('layer')], warnings: [say('warning')] },
    attachments: [{ kind: 'seg', path: say('path'), name: say('name') }],
    error: null
  } as IScan;
}

const place = {
  ...{ id: 'row', level: 1, place: 0, top: 0, position: 1, siblings: 9 },
  ...{ isTree: false, isActive: false, isSelected: false, trans }
};

describe('forty hostile texts in the list of scans', () => {
  const thumbnails = new Thumbnails(serverWith({}));

  it.each([null, 'error'])('are texts in its rows (%s)', error =>
    expectText(say => {
      const hostile = hostileScan(say);
      const told = error && { error: say(''), error_title: say('') };
      return draw(
        createElement(ScanRow, {
          ...{ ...place, thumbnails },
          scan: { ...hostile, ...told }
        })
      );
    })
  );

  it('are texts in its tree', () =>
    expectText(say =>
      draw(
        createElement(GroupRow, {
          ...{ ...place, isTree: true, isOpen: true, kind: 'study' as const },
          group: {
            ...{ key: 'a', label: say(''), detail: say(''), scans: 3 },
            ...{ date: say(''), modalities: [say('')] }
          }
        })
      )
    ));

  it.each([null, 'error'])('are texts in the details (%s)', error =>
    expectText(say => {
      const told = error && { error: say(''), error_title: say('') };
      const hostile = { ...hostileScan(say), ...told };
      const actions = {} as never;
      return draw(
        createElement(ScanDetails, { scan: hostile, trans, actions })
      );
    }, IN_TENS)
  );

  it('are texts in the search field, the bar and the problem', () =>
    expectText(say => {
      const catalog = {
        ...{ view: 'list', isKnown: true, showsNames: false, count: 3 },
        found: 3,
        query: { words: say(''), modality: say(''), sort: 'name' }
      } as unknown as ScanCatalog;
      const indexing = {
        ...{ state: 'failed', done: 0, total: 1, found: 0 },
        error: say('')
      } as never;
      const error = new ServerError(
        500,
        say('code'),
        say('message'),
        undefined,
        {
          title: say('title'),
          hint: `${say('hint')}.`
        }
      );
      return draw(
        createElement(
          'div',
          null,
          createElement(ScanHeader, {
            ...{ catalog, trans, words: say(''), onWords: nothing },
            ...{ onView: nothing, onNames: nothing, onSort: nothing },
            ...{ onList: nothing, onFind: nothing }
          }),
          createElement(IndexingBar, {
            ...{ indexing, trans, onCancel: nothing, onStart: nothing }
          }),
          createElement(ServerProblem, { error, trans, onRetry: nothing })
        )
      );
    }, IN_TENS));

  it('are texts in the header of a scan, in its tab and its tooltip', () =>
    expectText(async say => {
      const tag = {
        ...{ tag: '(0010,0010)', keyword: say('keyword'), vr: say('vr') },
        ...{ value: say('value'), depth: 0, is_private: true },
        identifies: false
      };
      const catalog = {
        ...{ showsNames: true, changed: { connect: nothing } },
        server: serverWith({ tags: { tags: [tag], total: 1 } })
      } as unknown as ScanCatalog;
      const view = new TagsView(
        '0'.repeat(16),
        say(''),
        catalog,
        trans,
        nothing
      );
      await settled();
      const drawn = rendered(view);
      expect(drawn.querySelectorAll('[role=row]')).toHaveLength(2);
      expect(view.title.label).toBe(`Header of ${say('')}`);
      return drawn;
    }, IN_TENS));
});

describe('forty hostile texts from a server of scans', () => {
  const one = (say: Say) => ({
    ...{ study: '1.2', series: '1.3', instances: 4, number: say('') },
    ...{ modality: say(''), date: say(''), body_part: say('') },
    ...{ description: say(''), study_description: say('') },
    ...{ patient: say(''), patient_id: say(''), path: null }
  });

  it('are texts in the table, the choice of servers and the complaints', () =>
    expectText(async say => {
      const job = {
        ...{ id: 'f', server: 'a', series: '1.3', state: 'failed', done: 1 },
        ...{ total: 4, received_bytes: 9, scan: null, path: null },
        error: { code: 'x', message: say('') }
      };
      const servers = [{ name: 'a', title: say(''), can_send: true }];
      const archive = new Archive(
        serverWith({
          servers: { servers },
          jobs: { jobs: [job] },
          search: { series: [{ ...one(say), scan: null }], more: false }
        })
      );
      await archive.load();
      const panel = new ArchivePanel(archive, trans, nothing);
      Object.assign(panel, { _showsNames: true, _words: say('') });
      await archive.search(say(''), true);
      const drawn = rendered(panel);
      expect(drawn.querySelectorAll('tbody tr')).toHaveLength(1);
      return drawn;
    }, IN_TENS));

  it('are texts when the search fails', () =>
    expectText(async say => {
      const reply = { code: 'x', message: say('') };
      const archive = new Archive(
        serverWith({
          servers: { servers: [{ name: 'a', title: say(''), can_send: true }] },
          jobs: { jobs: [] },
          search: new Response(JSON.stringify(reply), { status: 502 })
        })
      );
      await archive.load();
      await archive.search('a', false);
      return rendered(new ArchivePanel(archive, trans, nothing));
    }, IN_TENS));

  it('are texts among the layers to send, and in what became of them', () =>
    expectText(async say => {
      const archive = { name: 'a', title: say(''), can_send: true };
      const layers = [{ name: say('') }, { name: 'other' }];
      const sent = [{ instance: '1', state: 'refused', reason: say('') }];
      const server = serverWith({
        labels: { layers },
        send: { instances: sent, sent }
      });
      const host = draw(
        createElement(SendLabels, { server, archive, scan: '0', trans })
      );
      host.querySelector('button')?.click();
      await settled();
      expect(host.querySelectorAll('option')).toHaveLength(3);
      return host;
    }, IN_TENS));
});

it('forty hostile texts are texts in the cell of a run', async () => {
  const { default: widget } =
    await import('../../labextension/src/widgets/run_controls');
  const { id } = detail.summary;
  const stops: (() => void)[] = [];
  await expectText(async say => {
    const told = { kind: 'state', t: 1, state: 'running', message: say('') };
    const metric = { kind: 'epoch', t: 1, epoch: 1, step: 1, [say('')]: 0.5 };
    const status = {
      ...{ ...detail.status, message: say('') },
      alert: { code: say(''), message: say('') }
    };
    const replies = [{ next: 9, lines: [told, metric], status }];
    page.server = {
      labextensions: '',
      request: path => {
        const reply = path.includes('/metrics') ? replies.pop() : detail;
        return reply === undefined
          ? new Promise(nothing)
          : Promise.resolve(new Response(JSON.stringify(reply)));
      }
    };
    const el = document.createElement('div');
    const model = { get: () => id, on: nothing, off: nothing, send: nothing };
    stops.push(widget.render({ model: model as never, el }));
    await settled();
    expect(el.querySelector('.medlab-StateBadge')?.textContent).not.toBe('');
    return el;
  }, IN_TENS);
  stops.forEach(stop => stop());
});

describe('forty hostile texts in the training sidebar', () => {
  const run = detail.summary as unknown as IRun;

  function hostileRun(say: Say): IRun {
    return {
      ...poisoned(run, say, 'id', 'state'),
      metrics: { [`z ${say('metric')}`]: 0.5, val_dice: 0.9 }
    };
  }

  function tailOf(say: Say, server: IServer): RunTail {
    const tail = new RunTail(server, run.id, nothing);
    const told = { t: 1, epoch: 1, step: 1 };
    tail.history.add([
      { kind: 'batch', ...told, loss: 0.5, [`z ${say('metric')}`]: 0.5 },
      { kind: 'epoch', ...told, val_dice: 0.5, [`z ${say('metric')}`]: 0.5 },
      { kind: 'control', ...told, seq: 1, cmd: say('cmd'), by: say('by') },
      { kind: 'alert', ...told, code: say('code'), message: say('message') },
      { kind: 'state', ...told, state: 'running', message: say('message') }
    ] as unknown as IMetricLine[]);
    tail.status = {
      ...(detail.status as unknown as IRunStatus),
      ...{ message: say('message'), alert: { code: say(''), message: say('') } }
    };
    tail.error = new ServerError(500, 'x', say('message'));
    tail.recipe = { task: say('task'), [`z ${say('setting')}`]: say('value') };
    tail.command = {
      ...{ cmd: 'pause', args: {}, seq: 1, state: 'refused' },
      message: say('message')
    };
    return tail;
  }

  it('are texts in the list of runs', () =>
    expectText(say =>
      draw(
        createElement(RunList, {
          ...{ runs: [hostileRun(say)], selected: '', compared: new Set('a') },
          ...{ trans, onSelect: nothing, onCompare: nothing }
        })
      )
    ));

  it('are texts in a run, its curves, its alert and its comparison', () =>
    expectText(say => {
      const server = serverWith({});
      const one = hostileRun(say);
      const other = { ...one, id: 'other' };
      const tail = tailOf(say, server);
      const second = tailOf(say, server);
      second.recipe = { task: 'segment', [`z ${say('setting')}`]: 'other' };
      const drawn = draw(
        createElement(RunDetail, {
          ...{ server, run: one, tail, isLog: false, trans },
          compared: [
            { run: one, name: `${say('')} 1`, tail },
            { run: other, name: `${say('')} 2`, tail: second }
          ],
          ...{ onLog: nothing, onEndComparison: nothing }
        })
      );
      expect(drawn.querySelectorAll('.medlab-Curve').length).toBeGreaterThan(1);
      expect(drawn.querySelectorAll('tbody tr').length).toBeGreaterThan(2);
      return drawn;
    }, IN_TENS));

  it('are texts in the output of a trainer and in a failed export', () =>
    expectText(async say => {
      const reply = { code: 'x', message: say('') };
      const server = serverWith({
        log: { next: 9, text: say('') },
        export: new Response(JSON.stringify(reply), { status: 500 })
      });
      const props = { server, run: run.id, name: say(''), trans };
      const host = draw(
        createElement(
          'div',
          null,
          createElement(Output, props),
          createElement(Exports, props)
        )
      );
      const output = host.querySelector('details');
      if (output) {
        output.open = true;
        output.dispatchEvent(new Event('toggle'));
      }
      host.querySelector('button')?.click();
      await settled();
      expect(host.querySelector('pre')?.textContent).toBe(say(''));
      expect(host.querySelector('[role=alert]')?.textContent).toBe(say(''));
      return host;
    }, IN_TENS));
});

it('forty hostile texts are texts on the tabs and in the menus of JupyterLab', async () => {
  const { Menu, TabBar, Widget } = await import('@lumino/widgets');
  const { CommandRegistry } = await import('@lumino/commands');
  await expectText(say => {
    const host = document.createElement('div');
    document.body.replaceChildren(host);
    const bar = new TabBar<HTMLElement>();
    const title = bar.addTab({ label: say(''), caption: say(''), owner: host });
    const commands = new CommandRegistry();
    const menu = new Menu({ commands });
    commands.addCommand('c', {
      ...{ label: say(''), execute: nothing },
      describedBy: { args: {} }
    });
    menu.addItem({ command: 'c' });
    for (const widget of [bar, menu]) {
      Widget.attach(widget, host);
      MessageLoop.sendMessage(widget, Widget.Msg.UpdateRequest);
    }
    expect(title.label).toBe(say(''));
    expect(host.querySelector('.lm-TabBar-tabLabel')?.textContent).toBe(
      say('')
    );
    expect(host.querySelector('.lm-Menu-itemLabel')?.textContent).toBe(say(''));
    return host;
  });
});

it('there are forty of them', () => expect(INJECTIONS).toHaveLength(40));

it.each(INJECTIONS.filter(text => /<\w/.test(text)))(
  'a place that read %s as markup would be noticed',
  async text => {
    const place = (say: Say) => {
      const host = document.createElement('div');
      host.innerHTML = say('');
      return host;
    };

    await expect(expectText(place, [text])).rejects.toThrow();
  }
);
