// Bundles what JupyterLab's builder does not: one ES module a widget (anywidget loads it
// over the comm, so it stays small) and the lazy assets that a widget or the bridge
// fetches by URL on first use.

import { build } from 'esbuild';
import { existsSync } from 'node:fs';

const minify = process.argv.includes('--minify');

const entries = {
  'medlab/static/widgets/slice_labeler': 'labextension/src/widgets/slice_labeler.ts',
  'medlab/static/widgets/volume_viewer': 'labextension/src/widgets/volume_viewer.ts',
  'medlab/static/widgets/run_controls': 'labextension/src/widgets/run_controls.ts',
  'medlab/static/lab/assets/view3d': 'labextension/src/view3d/niivue.ts'
};

const present = Object.entries(entries).filter(([, source]) => existsSync(source));

await build({
  entryPoints: present.map(([out, source]) => ({ out, in: source })),
  outdir: '.',
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify,
  logLevel: 'warning'
});
