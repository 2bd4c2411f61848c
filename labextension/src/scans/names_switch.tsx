import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReactElement } from 'react';

/** Shows who the patients are; off unless somebody wants it. */
export function NamesSwitch(props: {
  isOn: boolean;
  trans: TranslationBundle;
  onChange(isOn: boolean): void;
}): ReactElement {
  const { isOn, trans } = props;
  return (
    <button
      className="medlab-Switch"
      role="switch"
      aria-checked={isOn}
      title={trans.__(
        'Names, numbers and other words that say who a patient is. They never leave this page.'
      )}
      onClick={() => props.onChange(!isOn)}
    >
      <span className="medlab-Switch-track" aria-hidden="true" />
      {trans.__('Show patient names')}
    </button>
  );
}
