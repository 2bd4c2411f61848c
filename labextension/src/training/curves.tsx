import type { TranslationBundle } from '@jupyterlab/translation';
import { type ReactElement, useEffect, useRef } from 'react';

import { formatNumber } from '../ui/format';
import { type ILine, LineChart } from './chart';
import type { IPicture } from './lines';
import type { IChartMark } from './marks';

/** One chart a metric, each with a legend that also tells the latest values. */
export function Curves(props: {
  pictures: readonly IPicture[];
  marks: readonly IChartMark[];
  isLog: boolean;
  onLog(isLog: boolean): void;
  trans: TranslationBundle;
}): ReactElement {
  const { pictures, isLog, trans } = props;
  if (pictures.length === 0) {
    return (
      <p className="medlab-Panel-quiet">
        {trans.__('Curves begin with the first training step.')}
      </p>
    );
  }
  return (
    <div className="medlab-Curves">
      {pictures.map((picture, place) => (
        <section key={picture.name} className="medlab-Curve">
          <header>
            <h4>{picture.name}</h4>
            <Legend lines={picture.lines} trans={trans} />
            {place === 0 && (
              <label className="medlab-Curve-log">
                <input
                  type="checkbox"
                  checked={isLog}
                  onChange={event => props.onLog(event.target.checked)}
                />
                {trans.__('log scale')}
              </label>
            )}
          </header>
          <Chart
            name={picture.name}
            lines={picture.lines}
            marks={props.marks}
            hasSigns={place === 0}
            isLog={isLog && place === 0}
            trans={trans}
          />
        </section>
      ))}
    </div>
  );
}

function Legend(props: {
  lines: readonly ILine[];
  trans: TranslationBundle;
}): ReactElement {
  return (
    <ul className="medlab-Legend">
      {props.lines
        .filter(line => !line.isFaint)
        .map(line => (
          <li key={line.label}>
            <span
              className={
                line.isDashed
                  ? 'medlab-Legend-key medlab-mod-dashed'
                  : 'medlab-Legend-key'
              }
              style={{ borderColor: `var(--medlab-curve-${line.color % 6})` }}
            />
            {line.legend ?? line.label}{' '}
            <b>
              {line.ys.length > 0 && formatNumber(line.ys[line.ys.length - 1])}
            </b>
            {line.best && (
              <span className="medlab-Legend-best">
                {' · '}
                {props.trans.__(
                  'best %1 in epoch %2',
                  formatNumber(line.ys[line.best.index]),
                  line.best.epoch
                )}
              </span>
            )}
          </li>
        ))}
    </ul>
  );
}

function Chart(props: {
  name: string;
  lines: readonly ILine[];
  marks: readonly IChartMark[];
  /** Of several charts one has the signs; a second Tab stop would tell nothing new. */
  hasSigns: boolean;
  isLog: boolean;
  trans: TranslationBundle;
}): ReactElement {
  const { name, trans } = props;
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<LineChart | null>(null);
  useEffect(() => {
    if (!host.current) {
      return;
    }
    const drawn = new LineChart(
      host.current,
      name,
      trans.__('step'),
      trans.__('What was done to the run')
    );
    chart.current = drawn;
    return () => {
      chart.current = null;
      drawn.dispose();
    };
  }, [name, trans]);
  useEffect(() => {
    chart.current?.setLines(props.lines, props.isLog);
    chart.current?.setMarks(props.marks, props.hasSigns);
  });
  return <div ref={host} className="medlab-Curve-chart" />;
}
