// Bundles what JupyterLab's builder does not: one ES module a widget (anywidget loads it
// over the comm, so it stays small) and the lazy assets that a widget or the bridge
// fetches by URL on first use. Runs after the builder, which empties its own folder.

import { build, transform } from 'esbuild';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const minify = process.argv.includes('--minify');
const assets = 'medlab/static/lab/assets';

const entries = {
  'medlab/static/widgets/slice_labeler':
    'labextension/src/widgets/slice_labeler.ts',
  'medlab/static/widgets/volume_viewer':
    'labextension/src/widgets/volume_viewer.ts',
  'medlab/static/widgets/run_controls':
    'labextension/src/widgets/run_controls.ts'
};

// Fetched once, when the first 3D view opens: always as small as it gets.
const lazy = { [`${assets}/view3d`]: 'labextension/src/view3d/niivue.ts' };

const copies = {
  'medlab/static/widgets/volume_viewer.css': 'labextension/style/viewer.css',
  [`${assets}/itk/index.html`]: 'labextension/src/itkwidgets/index.html',
  [`${assets}/itk/viewer.js`]: 'labextension/src/itkwidgets/viewer.js',
  [`${assets}/itk/imjoy-core.min.js`]:
    'node_modules/imjoy-core/dist/imjoy-core.min.js',
  // imjoy-core asks for the file by this name.
  [`${assets}/itk/imjoy-rpc.min.js`]:
    'node_modules/imjoy-rpc/dist/imjoy-rpc.min.js',
  ...fromNpm('itk-vtk-viewer', 'dist', [
    'itkVtkViewer.js',
    'itkVtkViewer.js.LICENSE.txt',
    '124.itkVtkViewer.js',
    'e311c2fde867f8ae78ae.js',
    'e70d53d395877c115376.js',
    'itk/web-workers/min-bundles/pipeline.worker.js',
    'itk/pipeline/BloscZarr.js',
    'itk/pipeline/BloscZarr.umd.js',
    'itk/pipeline/BloscZarr.wasm'
  ]),
  ...fromNpm('itk-vtk-viewer', '.', ['LICENSE'])
};

function fromNpm(name, folder, files) {
  const pairs = files.map(file => [
    join(assets, 'itk', file),
    join('node_modules', name, folder, file)
  ]);
  return Object.fromEntries(pairs);
}

// A style sheet as text, with the sheets that it imports in their places.
const styleText = {
  name: 'style-text',
  setup(builder) {
    builder.onLoad({ filter: /\.css$/ }, async ({ path }) => ({
      contents: minify
        ? (await transform(await sheet(path), { loader: 'css', minify })).code
        : await sheet(path),
      loader: 'text'
    }));
  }
};

async function sheet(path) {
  const text = await readFile(path, 'utf8');
  const parts = text.split(/@import url\('([^']+)'\);/);
  const whole = parts.map((part, at) =>
    at % 2 === 1 ? sheet(join(dirname(path), part)) : part
  );
  return (await Promise.all(whole)).join('');
}

async function bundle(wanted, small) {
  const present = Object.entries(wanted).filter(([, source]) =>
    existsSync(source)
  );
  await build({
    entryPoints: present.map(([out, source]) => ({ out, in: source })),
    outdir: '.',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    plugins: [styleText],
    minify: small,
    legalComments: small ? 'eof' : 'inline',
    logLevel: 'warning'
  });
}

// A module goes over the comm once for each widget: the largest goes packed.
async function pack(module) {
  const packed = gzipSync(await readFile(module), { level: 9 });
  await writeFile(
    module,
    `const packed = '${packed.toString('base64')}';
async function unpack() {
  const bytes = Uint8Array.from(atob(packed), sign => sign.charCodeAt(0));
  const stream = new Blob([bytes]).stream();
  const unpacked = stream.pipeThrough(new DecompressionStream('gzip'));
  const text = await new Response(unpacked).text();
  const url = URL.createObjectURL(new Blob([text], { type: 'text/javascript' }));
  try {
    return (await import(url)).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}
let module;
export default {
  async render(props) {
    module ??= unpack();
    return (await module).render(props);
  }
};
`
  );
}

await bundle(entries, minify);
if (minify) {
  await pack('medlab/static/widgets/slice_labeler.js');
}
await bundle(lazy, true);
for (const [to, from] of Object.entries(copies)) {
  if (!existsSync(from)) {
    throw new Error(`${from} is missing. Run jlpm install, then build again.`);
  }
  await mkdir(dirname(to), { recursive: true });
  await copyFile(from, to);
}

const most = 250 * 1024;
for (const module of Object.keys(entries).filter(name =>
  existsSync(`${name}.js`)
)) {
  const { size } = await stat(`${module}.js`);
  if (minify && size > most) {
    throw new Error(
      `${module}.js has ${size} bytes; a widget's module may have ${most}.`
    );
  }
}
