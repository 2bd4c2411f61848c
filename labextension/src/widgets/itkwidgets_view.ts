import type {} from '../itkwidgets/contract';
import type { ISegment } from '../server/types';
import type { IViewerModel } from './volume_viewer';

interface IStarted {
  op: 'itk-started';
  kernel: string;
  legend: Pick<ISegment, 'id' | 'name' | 'color' | 'visible'>[];
}

/** Shows the real itkwidgets; says why where nothing could answer it. */
export function showItkwidgets(
  model: IViewerModel,
  el: HTMLElement
): () => void {
  const bridge = window.medlabItkwidgets;
  const host = document.createElement('div');
  host.className = 'medlab-VolumeViewer-itk';
  const status = document.createElement('div');
  status.className = 'medlab-VolumeViewer-status';
  status.setAttribute('role', 'status');
  el.append(host, status);

  const fail = (message: string) => {
    status.textContent = message;
    model.set('problem', message);
    model.save_changes();
  };
  if (!bridge) {
    fail(
      'backend="itkwidgets" needs JupyterLab or Notebook 7 with the medlab extension, ' +
        'which this page does not have. Use backend="niivue" here.'
    );
    return () => el.replaceChildren();
  }

  const heard = (content: unknown) => {
    const started = content as IStarted;
    if (started.op !== 'itk-started') {
      return;
    }
    bridge.connect(started.kernel, host).then(
      () => {
        status.textContent = '';
        model.set('drawn', true);
        model.save_changes();
      },
      (error: unknown) => {
        model.send({ op: 'bridge-failed' });
        fail(error instanceof Error ? error.message : String(error));
      }
    );
  };
  model.on('msg:custom', heard);
  status.textContent = 'Starting itkwidgets…';
  model.send({ op: 'bridge-ready' });
  return () => {
    model.off('msg:custom', heard);
    el.replaceChildren();
  };
}
