/** The slice editor: shows a scan in its planes and lets labels be drawn. */

export { type ISliceEditorOptions, SliceEditor } from './editor';
export { type IGrid, ijkOf, type Plane, PLANES, rasOf } from './geometry';
export type { IWindow } from './intensity';
export type { SaveState } from './journal';
export { type ILabelChange, LabelMap } from './label_map';
export type { Volume } from './volume';
