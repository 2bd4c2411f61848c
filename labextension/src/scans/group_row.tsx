import { memo, type ReactElement } from 'react';

import type { IScanGroup } from '../server/types';
import { closedIcon, openIcon, patientIcon, scansIcon } from '../ui/icons';
import { type IRowProps, rowAria, rowClass } from './row_parts';

/** A patient, or one study of a patient. */
export const GroupRow = memo(function GroupRow(
  props: IRowProps & {
    group: IScanGroup;
    kind: 'patient' | 'study';
    isOpen: boolean;
  }
): ReactElement {
  const { group, kind, isOpen, trans } = props;
  const Caret = isOpen ? openIcon : closedIcon;
  const Icon = kind === 'patient' ? patientIcon : scansIcon;
  const facts = [
    group.detail,
    group.date,
    group.modalities.join(', '),
    trans._n('%1 scan', '%1 scans', group.scans)
  ].filter(Boolean);
  const label =
    group.label ||
    (kind === 'patient' ? trans.__('No patient') : trans.__('No study'));
  return (
    <div
      {...rowAria(props)}
      aria-expanded={isOpen}
      className={rowClass(props, `medlab-mod-${kind}`)}
      style={{ top: props.top, paddingLeft: 2 + 14 * (props.level - 1) }}
      title={[label, ...facts].join(' · ')}
    >
      <span className="medlab-ScanRow-caret" data-does="toggle">
        <Caret.react tag="span" width="16px" />
      </span>
      <Icon.react tag="span" width="16px" />
      <div className="medlab-ScanRow-text" role="gridcell">
        <div className="medlab-ScanRow-name">{label}</div>
        <div className="medlab-ScanRow-origin">{facts.join(' · ')}</div>
      </div>
    </div>
  );
});
