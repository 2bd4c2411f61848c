import { describe, expect, it } from 'vitest';

import { EFFECTS } from '../../../labextension/src/editor/effects/registry';
import { newMark } from '../../../labextension/src/editor/marks/mark';
import { factsOf, valueOf } from '../../../labextension/src/editor/marks/words';
import { statisticsCsv } from '../../../labextension/src/editor/segments/statistics_csv';
import { gridOf } from '../../../labextension/src/editor/view/geometry';
import { unitsOf } from '../../../labextension/src/editor/view/units';
import { sliceInWords } from '../../../labextension/src/editor/view/words';
import { EffectStage, untranslated } from './effects/effect_stage';
import { MarkPlace } from './marks/mark_place';
import { infoOf } from './memory_server';

const SHAPE: [number, number, number] = [10, 10, 3];
const MM = /\bmm|mL|millim/;

/** A scan whose file says nothing of millimetres. */
function withoutMm(scene: MarkPlace['scene'] | EffectStage['scene']): void {
  const { info } = scene.volume;
  scene.volume.complete({ ...info, spacing_unit: 'pixels' });
}

describe('a scan without millimetres', () => {
  it('tells lengths, areas and volumes in pixels', () => {
    expect(unitsOf({ spacing_unit: 'pixels' })).toEqual({
      ...{ length: 'px', area: 'px²', volume: 'px³' }
    });
    expect(unitsOf({ spacing_unit: 'mm' })).toEqual({
      ...{ length: 'mm', area: 'mm²', volume: 'mm³' }
    });
  });

  it('tells every mark in pixels', async () => {
    const place = await MarkPlace.make(SHAPE);
    withoutMm(place.scene);
    const a: [number, number, number] = [1, 1, 1];
    const marks = [
      newMark('line', { points: [a, [4, 5, 1]], plane: 'axial' }),
      newMark('ellipse', { points: [a, [5, 5, 1]], plane: 'axial' }),
      newMark('rectangle', { points: [a, [5, 5, 1]], plane: 'axial' }),
      newMark('box', { points: [a, [5, 5, 2]] }),
      newMark('point', { points: [a] })
    ];

    const said = marks.flatMap(mark => [
      valueOf(mark, place.context),
      ...factsOf(mark, place.context).flat()
    ]);

    expect(said.filter(words => MM.test(words))).toEqual([]);
    // 3 and 4 pixels are the legs of the line.
    expect(said).toContain('5.0 px');
    expect(said).toContain('4.0 × 4.0 px');
    expect(said).toContain('16.0 px²');
  });

  it('tells the slice in words in pixels', () => {
    const grid = gridOf(SHAPE, infoOf(SHAPE).affine);
    const place = { grid, ijk: [0, 0, 2] as [number, number, number] };
    expect(
      sliceInWords(
        'axial',
        { index: 2, depth: 3 },
        { ...place, unit: 'px' },
        untranslated
      )
    ).toBe('Axial slice 3 of 3, S 2.0 px');
  });

  it('asks in no form for millimetres', () => {
    const stage = new EffectStage(SHAPE, [{ id: 1 }]);
    withoutMm(stage.scene);
    const fields = EFFECTS.flatMap(effect => [
      ...effect.fields({ context: stage.context, seed: null }),
      { name: '', words: effect.words, unit: '', help: effect.help }
    ]);

    const said = fields.flatMap(field => [
      ...[field.words, field.help ?? ''],
      'unit' in field ? field.unit : ''
    ]);

    expect(said.filter(words => MM.test(words))).toEqual([]);
    expect(said.filter(words => words === 'px').length).toBe(5);
    expect(said).toContain('px³');
  });

  it('names no millimetres in the table of its segments', () => {
    const [head] = statisticsCsv([], () => '', 'px').split('\r\n');
    expect(head).toBe(
      'segment,name,voxels,volume_px3,mean,sd,median,min,max,surface_px2,' +
        'diameter_px,r_px,a_px,s_px'
    );
  });
});
