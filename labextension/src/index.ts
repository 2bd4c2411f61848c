import { itkPlugins } from './itkwidgets/plugin';
import { scanPlugins } from './scans/plugin';
import { trainingPlugins } from './training/plugin';
import { viewerPlugins } from './viewer/plugin';

export * from './tokens';
export default [
  ...scanPlugins,
  ...viewerPlugins,
  ...trainingPlugins,
  ...itkPlugins
];
