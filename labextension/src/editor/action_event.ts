/** The event that makes an editor do an action: its `detail` is `{ action }`. */
export const ACTION_EVENT = 'medlab-action';
