import type { IEditorContext } from '../context';
import { element } from '../dom';
import { marksJson, segNrrd } from '../labels/seg_nrrd';

type Place = Pick<IEditorContext, 'scene' | 'session'>;

/** Makes a copy of the labels, and of the marks, in the browser: no server is asked. */
export async function downloadLabels({ scene, session }: Place): Promise<void> {
  session.flush();
  const { labels, volume } = scene;
  const name = fileName(volume.info.name, session.layer);
  offer(await segNrrd(labels, volume.info.affine), `${name}.seg.nrrd`);
  if (labels.marks.size > 0) {
    offer(marksJson(labels), `${name}-marks.json`);
  }
}

/** The scan's name without its format, and the layer's. */
export function fileName(scan: string, layer: string): string {
  const stem = scan
    .replace(/\.(nii\.gz|nii|nrrd|nhdr|mha|mhd|dcm|npy|png|tiff?)$/i, '')
    .replace(/[\\/:*?"<>|\p{C}]/gu, '_');
  return `${stem || 'scan'}-${layer || 'labels'}`;
}

function offer(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = element('a', { attributes: { href: url, download: name } });
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads it after this task.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
