import { describe, expect, it } from 'vitest';

import {
  errorOf,
  type IServer
} from '../../../labextension/src/server/connection';
import {
  fetchLabelFiles,
  fetchLayerFile,
  fetchLayers,
  openLayer,
  saveLayer
} from '../../../labextension/src/server/labels';
import {
  fetchMetrics,
  fetchRun,
  fetchRuns,
  postControl
} from '../../../labextension/src/server/runs';
import { fetchVolumeInfo } from '../../../labextension/src/server/volumes';
import control from '../../contract/control.json';
import problem from '../../contract/error.json';
import fileChanged from '../../contract/file-changed.json';
import labelFiles from '../../contract/label-files.json';
import layers from '../../contract/labels.json';
import layerFile from '../../contract/layer-file.json';
import layer from '../../contract/layer.json';
import metrics from '../../contract/metrics.json';
import detail from '../../contract/run-detail.json';
import runs from '../../contract/runs.json';
import savedFile from '../../contract/saved-file.json';
import volume from '../../contract/volume.json';

interface IAsked {
  path: string;
  method: string;
  body: unknown;
}

/** A server that gives one reply, and remembers what it was asked. */
function serverThatReplies(reply: unknown, status = 200) {
  const asked: IAsked[] = [];
  const server: IServer = {
    labextensions: '',
    request: async (path, init = {}) => {
      const body = init.body ? JSON.parse(String(init.body)) : undefined;
      asked.push({ path, method: init.method ?? 'GET', body });
      return new Response(JSON.stringify(reply), { status });
    }
  };
  return { server, asked };
}

const RUN = runs.runs[0].id;

const SCAN = '0123456789abcdef';

describe('the files of labels', () => {
  it('are told, listed and saved as in the contract', async () => {
    const told = serverThatReplies(layerFile);
    const listed = serverThatReplies(labelFiles);
    const saved = serverThatReplies(savedFile);
    const { path } = savedFile;

    expect(await fetchLayerFile(told.server, SCAN, 'lungs')).toEqual(layerFile);
    expect(await fetchLabelFiles(listed.server, SCAN)).toEqual(
      labelFiles.files
    );
    expect(await saveLayer(saved.server, SCAN, 'lungs', { path })).toEqual(
      savedFile
    );
    expect(told.asked[0].path).toBe(`labels/${SCAN}/lungs/file`);
    expect(listed.asked[0].path).toBe(`labels/${SCAN}/files`);
    expect(saved.asked[0]).toEqual({
      ...{ path: `labels/${SCAN}/lungs/save`, method: 'POST', body: { path } }
    });
  });

  it('that somebody else changed are refused with what is there', async () => {
    const { server } = serverThatReplies(fileChanged, 409);
    const saving = saveLayer(server, SCAN, 'lungs', { path: savedFile.path });

    await expect(saving).rejects.toMatchObject({
      ...{ status: 409, code: 'file-changed', message: fileChanged.message },
      fields: { sha256: fileChanged.sha256 }
    });
  });
});

/* tests/python/server holds the server to the same files. */
describe('the replies of the contract', () => {
  it('describe a volume', async () => {
    const { server, asked } = serverThatReplies(volume);

    const info = await fetchVolumeInfo(server, volume.id);

    expect(info).toEqual(volume);
    expect(info.slab_bytes).toBe(info.shape[0] * info.shape[1] * 2);
    expect(asked[0].path).toBe(`volumes/${volume.id}`);
  });

  it('describe a layer, and the layers of a scan', async () => {
    const made = serverThatReplies(layer);
    const listed = serverThatReplies(layers);

    const info = await openLayer(made.server, layer.scan, layer.layer, [
      { id: 1, name: 'left lung' }
    ]);
    const found = await fetchLayers(listed.server, layer.scan);

    expect(info.segments.map(segment => segment.locked)).toEqual([false, true]);
    expect(made.asked[0]).toEqual({
      path: `labels/${layer.scan}/lungs`,
      method: 'POST',
      body: { segments: [{ id: 1, name: 'left lung' }] }
    });
    expect(found.map(one => one.name)).toEqual([info.layer]);
  });

  it('list runs, tell one, and follow it', async () => {
    const [run] = await fetchRuns(serverThatReplies(runs).server);
    const told = await fetchRun(serverThatReplies(detail).server, RUN);
    const following = serverThatReplies(metrics);
    const tail = await fetchMetrics(following.server, RUN, 42, 10);

    expect(run.state).toBe('running');
    expect(told.summary).toEqual(run);
    expect(tail.lines.at(-1)?.state).toBe('stopped');
    expect(tail.status.ack_seq).toBe(4);
    expect(following.asked[0].path).toBe(
      `runs/${RUN}/metrics?from=42&wait_s=10`
    );
  });

  it('number a command', async () => {
    const { server, asked } = serverThatReplies(control);

    expect(await postControl(server, RUN, 'pause')).toEqual({ seq: 1 });
    expect(asked[0].body).toEqual({ cmd: 'pause', args: {} });
  });

  it('say in one sentence what is wrong', async () => {
    const response = new Response(JSON.stringify(problem), { status: 422 });

    const error = await errorOf(response);

    expect(error.message).toBe(problem.message);
    expect([error.status, error.code]).toEqual([422, 'not-a-scan']);
  });
});
