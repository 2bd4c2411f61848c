/** The slice editor: shows a scan in its planes and lets labels be drawn. */

export { type ISliceEditorOptions, SliceEditor } from './editor';
export { type IGrid, ijkOf, type Plane, PLANES, rasOf } from './view/geometry';
export type { IWindow } from './view/intensity';
export type { SaveState } from './labels/journal';
export { type ILabelChange, LabelMap } from './labels/label_map';
export type { Volume } from './view/volume';
