/** What an effect can be set to, before it is drawn as a form. */

export type Value = number | string | null;
export type Values = Readonly<Record<string, Value>>;

interface IFieldBase {
  /** Unique within the effect. */
  readonly name: string;
  /** What it is called, before translation. */
  readonly words: string;
  readonly help?: string;
  /** It is asked for only then. */
  readonly when?: (values: Values) => boolean;
}

export interface INumberField extends IFieldBase {
  readonly kind: 'number';
  readonly value: number | null;
  readonly unit: string;
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  /** It may be left empty; these words say what that means. */
  readonly empty?: string;
  /** A slider beside it; `min` and `max` are its ends. */
  readonly slides?: boolean;
  readonly isWhole?: boolean;
}

export interface IChoiceField extends IFieldBase {
  readonly kind: 'choice';
  readonly value: string;
  /** Values and what they are called, before translation. */
  readonly options: readonly (readonly [string, string])[];
}

/** Another segment than the one that is drawn. */
export interface ISegmentField extends IFieldBase {
  readonly kind: 'segment';
  readonly value: number | null;
  /** It may be none; these words say what that means. */
  readonly empty?: string;
}

/** A training that has ended. */
export interface IRunField extends IFieldBase {
  readonly kind: 'run';
  readonly value: string | null;
}

export type IField = INumberField | IChoiceField | ISegmentField | IRunField;

export function firstValues(fields: readonly IField[]): Values {
  return Object.fromEntries(fields.map(({ name, value }) => [name, value]));
}

/** The fields that are asked for with these values. */
export function askedFor(
  fields: readonly IField[],
  values: Values
): readonly IField[] {
  return fields.filter(({ when }) => !when || when(values));
}

export type Problem =
  | { kind: 'not-a-number' }
  | { kind: 'outside'; min: number | undefined; max: number | undefined }
  | { kind: 'not-whole' };

/**
 * Reads what was typed.
 *
 * @returns the number, null for nothing where that is allowed, or what is wrong
 */
export function readNumber(
  field: INumberField,
  text: string
): { value: number | null } | { problem: Problem } {
  const trimmed = text.trim().replace(',', '.');
  if (trimmed === '' && field.empty !== undefined) {
    return { value: null };
  }
  const value = trimmed === '' ? NaN : Number(trimmed);
  const { min, max, isWhole } = field;
  if (!Number.isFinite(value)) {
    return { problem: { kind: 'not-a-number' } };
  }
  if (
    (min !== undefined && value < min) ||
    (max !== undefined && value > max)
  ) {
    return { problem: { kind: 'outside', min, max } };
  }
  if (isWhole && !Number.isInteger(value)) {
    return { problem: { kind: 'not-whole' } };
  }
  return { value };
}
