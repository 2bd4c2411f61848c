import { archivePlugins } from './dicomweb/plugin';
import { itkPlugins } from './itkwidgets/plugin';
import { labelingPlugins } from './labeling/plugin';
import { scanPlugins } from './scans/plugin';
import { trainingPlugins } from './training/plugin';
import { viewerPlugins } from './viewer/plugin';

export * from './tokens';
export default [
  ...scanPlugins,
  ...archivePlugins,
  ...viewerPlugins,
  ...labelingPlugins,
  ...trainingPlugins,
  ...itkPlugins
];
