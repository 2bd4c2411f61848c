import type { IAction } from './actions';

/** What is done to marks that no tool draws. */
export const MARK_ACTIONS: readonly IAction[] = [
  {
    id: 'mark-class',
    words: 'Class of the study, the scan or the slice',
    key: 'Shift+D',
    group: 'segment',
    icon: 'classes',
    draws: true,
    run: ({ marks }) => marks.addClass()
  },
  {
    id: 'mark-remove',
    words: 'Remove the selected mark',
    key: 'Delete',
    group: 'segment',
    icon: 'trash',
    draws: true,
    run: ({ marks }) => marks.removeSelected()
  },
  {
    id: 'marks-shown',
    words: 'Hide or show the marks',
    key: 'Shift+X',
    group: 'view',
    icon: 'eye',
    run: ({ marks }) => marks.toggleShown()
  }
];
