/* Runs in the frame of an itkwidgets window; itkVtkViewer and imjoyRPC are its two scripts. */
/* global itkVtkViewer, imjoyRPC */

// itk-vtk-viewer's plugin API looks for a global of this name.
var container = document.querySelector('.content');

imjoyRPC
  .setupRPC({
    name: 'itk-vtk-viewer',
    version: itkVtkViewer.version,
    description: 'Volume rendering with itk-wasm and vtk.js',
    type: 'rpc-window'
  })
  .then(api => {
    itkVtkViewer.imJoyCodecs.forEach(codec => api.registerCodec(codec));
    api.export(new itkVtkViewer.ImJoyPluginAPI());
  });
