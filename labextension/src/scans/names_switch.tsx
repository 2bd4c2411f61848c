import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

/** Shows who the patients are; off unless somebody wants it. */
export function NamesSwitch(props: {
  isOn: boolean;
  /** Where there is little room. */
  isShort?: boolean;
  trans: TranslationBundle;
  onChange(isOn: boolean): void;
}): ReactElement {
  const { isOn, isShort, trans } = props;
  const words = trans.__('Show patient names');
  return (
    <button
      className="medlab-Switch"
      role="switch"
      aria-checked={isOn}
      aria-label={words}
      title={trans.__(
        'Show patient names, numbers and other words that say who a patient is. They never leave this page.'
      )}
      onClick={() => props.onChange(!isOn)}
    >
      <span className="medlab-Switch-track" aria-hidden="true" />
      {isShort ? trans.__('Names') : words}
    </button>
  );
}
