/** A run with the recipe it follows; null if it has none. */
export interface INamedRecipe {
  name: string;
  recipe: Record<string, unknown> | null;
}

/** A setting in which recipes differ: its name, and the value in each run. */
export interface IDifference {
  setting: string;
  /** In the order of the runs; an em dash where a recipe lacks it. */
  values: string[];
}

const NOTHING = '—';

/** The settings in which recipes differ, in the order of the first that has them. */
export function differencesOf(runs: readonly INamedRecipe[]): IDifference[] {
  const flat = runs.map(({ recipe }) => flatten(recipe ?? {}));
  const settings = new Set(flat.flatMap(each => [...each.keys()]));
  return [...settings]
    .map(setting => ({
      setting,
      values: flat.map(each => each.get(setting) ?? NOTHING)
    }))
    .filter(
      ({ setting, values }) =>
        // What a run is called heads its column already.
        setting !== 'name' && new Set(values).size > 1
    );
}

/** `{ a: { b: 1 } }` -> `a.b: 1`: a change deep down is one line, not a whole block. */
function flatten(
  content: Record<string, unknown>,
  before = ''
): Map<string, string> {
  const flat = new Map<string, string>();
  for (const [name, value] of Object.entries(content)) {
    if (value === null || value === undefined) {
      continue;
    }
    if (typeof value === 'object' && !Array.isArray(value)) {
      const inner = flatten(
        value as Record<string, unknown>,
        `${before}${name}.`
      );
      inner.forEach((text, key) => flat.set(key, text));
    } else {
      flat.set(before + name, inWords(value));
    }
  }
  return flat;
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) {
    return value.map(inWords).join(', ') || 'none';
  }
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value)
      .filter(([, inner]) => inner !== null)
      .map(([name, inner]) => `${name} ${inWords(inner)}`)
      .join(' ');
  }
  return String(value);
}

/** Names that tell runs apart: those that share one get the end of their id. */
export function distinctNames(
  runs: readonly { id: string; name: string }[]
): string[] {
  return runs.map(({ id, name }) => {
    const isShared = runs.some(other => other.name === name && other.id !== id);
    return isShared ? `${name} (${id.slice(-6)})` : name;
  });
}
