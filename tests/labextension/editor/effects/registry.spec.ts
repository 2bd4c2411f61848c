import { describe, expect, it } from 'vitest';

import examples from '../../../contract/smart.json';
import {
  firstValues,
  type INumberField,
  readNumber,
  type Values
} from '../../../../labextension/src/editor/effects/fields';
import {
  type IEffectPlace,
  Missing
} from '../../../../labextension/src/editor/effects/place';
import { EFFECTS } from '../../../../labextension/src/editor/effects/registry';
import { ACTIONS } from '../../../../labextension/src/editor/input/actions';
import type { Triple } from '../../../../labextension/src/server/types';
import { EffectStage } from './effect_stage';

/** A stage as the examples of `smart.json` describe it. */
function placeWith(seed: Triple | null): IEffectPlace {
  const stage = new EffectStage([6, 7, 9], [{ id: 1 }, { id: 2 }]);
  stage.settings.set({ segment: 2, low: 40, high: 1000 });
  return { context: stage.context, seed };
}

const RUN = '20261121T013000Z-0a1b2c';

function valuesOf(effect: (typeof EFFECTS)[number], more: Values = {}): Values {
  const place = placeWith([1, 2, 3]);
  return { ...firstValues(effect.fields(place)), ...more };
}

describe('EFFECTS', () => {
  it.each(examples)('asks for $effect as the contract says', example => {
    const effect = EFFECTS.find(({ id }) => id === example.effect);
    const values = valuesOf(
      effect!,
      example.tool === 'model' ? { run: RUN } : {}
    );

    const params = effect!.request(placeWith([1, 2, 3]), values);

    expect(effect!.tool).toBe(example.tool);
    expect(params).toEqual(example.params);
  });

  it('has an example of every effect that asks the server', () => {
    const asking = EFFECTS.filter(({ tool }) => tool !== '');

    expect(asking.map(({ id }) => id)).toEqual(
      examples.map(({ effect }) => effect)
    );
  });

  it('has names, icons and a sentence of help, and is an action each', () => {
    for (const { id, words, help } of EFFECTS) {
      expect(words).toMatch(/^[A-Z]/);
      expect(help).toMatch(/\.$/);
      expect(ACTIONS.map(action => action.id)).toContain(`effect-${id}`);
    }
    const ids = EFFECTS.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('asks for a voxel where it needs one', () => {
    for (const effect of EFFECTS) {
      const { tool } = effect;
      const values = valuesOf(
        effect,
        tool === 'islands' ? { op: 'remove-clicked' } : {}
      );
      if (effect.needsSeed?.(values)) {
        const missing = effect.request(placeWith(null), values);
        expect(missing).toBeInstanceOf(Missing);
        expect((missing as Missing).sentence).toMatch(/^Click into the image/);
      }
    }
  });

  it('offers only first values that its own fields take', () => {
    for (const effect of EFFECTS) {
      for (const field of effect.fields(placeWith(null))) {
        if (field.kind === 'number' && field.value !== null) {
          expect(readNumber(field, String(field.value)), effect.id).toEqual({
            value: field.value
          });
        }
        if (field.kind === 'choice') {
          expect(field.options.map(([value]) => value)).toContain(field.value);
        }
      }
    }
  });

  it('does not take a segment and itself together', () => {
    const logic = EFFECTS.find(({ id }) => id === 'logic')!;

    const missing = logic.request(placeWith(null), { op: 'union', other: 2 });

    expect(missing).toBeInstanceOf(Missing);
  });

  it('shrinks by a negative margin', () => {
    const margin = EFFECTS.find(({ id }) => id === 'margin')!;

    const params = margin.request(placeWith(null), { way: 'shrink', mm: 4.5 });

    expect(params).toEqual({ segment: 2, mm: -4.5 });
  });

  it('takes the axis through the slices of the plane that is named', () => {
    const between = EFFECTS.find(({ id }) => id === 'between')!;
    const axes = ['axial', 'sagittal', 'coronal'].map(plane =>
      between.request(placeWith(null), { plane })
    );

    // The stage's voxel axes run along R, A, S.
    expect(axes.map(params => (params as { axis: number }).axis)).toEqual([
      ...[2, 0, 1]
    ]);
  });
});

describe('readNumber', () => {
  const field: INumberField = {
    ...{ kind: 'number', name: 'mm', words: 'By', value: 3, unit: 'mm' },
    ...{ min: 0, max: 10 }
  };

  it('reads points and commas', () => {
    expect(readNumber(field, '2.5')).toEqual({ value: 2.5 });
    expect(readNumber(field, ' 2,5 ')).toEqual({ value: 2.5 });
  });

  it('tells what is wrong', () => {
    expect(readNumber(field, '')).toEqual({
      problem: { kind: 'not-a-number' }
    });
    expect(readNumber(field, '11')).toEqual({
      problem: { kind: 'outside', min: 0, max: 10 }
    });
    expect(readNumber({ ...field, isWhole: true }, '1.5')).toEqual({
      problem: { kind: 'not-whole' }
    });
  });

  it('takes nothing where nothing means something', () => {
    expect(readNumber({ ...field, empty: 'any' }, '')).toEqual({ value: null });
  });
});
