/** What the API of sheets says (app/grid_api.py), and what a view keeps. */

export type Cell = null | string | number | boolean | readonly [number, string] | readonly string[] | readonly number[] | readonly (readonly [number, string])[];

export interface Choice {
  readonly code: string;
  readonly label: string;
  readonly colour: string;
}

export interface Column {
  readonly key: string;
  readonly label: string;
  readonly kind: string;
  readonly choices: readonly Choice[];
  readonly refers: string;
  /** "" nobody types here; "field", "extra", or the step of an appeal that writes it. */
  readonly write: string;
  readonly width: number;
  readonly help: string;
  readonly sortable: boolean;
  readonly filterable: boolean;
  readonly listed: boolean;
  readonly operators: readonly string[];
  readonly custom: boolean;
  readonly required: boolean;
}

export type Sorting = readonly [string, "asc" | "desc"];

export interface Schema {
  readonly code: string;
  readonly label: string;
  readonly intro: string;
  readonly title: string;
  readonly family: "appeals" | "dictionary" | "own";
  readonly order: readonly Sorting[];
  readonly counted: readonly string[];
  readonly can: { readonly add: boolean; readonly edit: boolean; readonly remove: boolean };
  readonly columns: readonly Column[];
  /** Posts for which one may change the sheet, the one taken unasked first. */
  readonly acting: readonly (readonly [number, string])[];
  readonly spans: readonly string[];
  readonly definitions: number;
  readonly at: number;
}

export interface Row {
  readonly id: number;
  readonly version: number;
  readonly cells: Readonly<Record<string, Cell>>;
  readonly key: string;
  /** Texts of cells, made when they are first drawn. */
  shown?: Record<string, string>;
}

export type Condition = { readonly field: string; readonly op: string; readonly value?: unknown } | ConditionGroup;
export interface ConditionGroup {
  readonly all?: readonly Condition[];
  readonly any?: readonly Condition[];
}

export interface Query {
  filter?: ConditionGroup;
  search?: string;
  sort?: readonly Sorting[];
}

export interface ShownColumn {
  readonly key: string;
  width: number;
  hidden?: boolean;
}

export interface ColourRule {
  readonly when: ConditionGroup;
  readonly colour: string;
  /** "row", or the key of the column that is coloured. */
  readonly scope: string;
}

/** A view of a sheet: what a saved view keeps. */
export interface Spec {
  query: Query;
  columns: ShownColumn[];
  frozen: number;
  group?: unknown;
  figures?: readonly (readonly [string, string])[];
  colours?: readonly ColourRule[];
  height?: "short" | "tall";
}

export const REFERENCES: ReadonlySet<string> = new Set(["person", "unit", "post", "link"]);
export const NUMBERS: ReadonlySet<string> = new Set(["number", "money"]);
const COMPUTED: ReadonlySet<string> = new Set(["lookup", "rollup", "formula"]);

/** Whether a cell of the column can be typed into at all; whether this one may, only the server knows. */
export function isWritable(schema: Schema, column: Column | undefined): boolean {
  return column !== undefined && schema.can.edit && column.write !== "" && column.kind !== "files" && !COMPUTED.has(column.kind);
}

/** The usual view: the columns that are listed, the first one frozen. */
export function usualSpec(schema: Schema): Spec {
  const columns = schema.columns.map((one) => ({ key: one.key, width: one.width, hidden: !one.listed }));
  return { query: {}, columns, frozen: 1, group: null, figures: [], colours: [], height: "short" };
}

/** A kept view on today's columns: what is gone is left out, what is new stands hidden at the end. */
export function fitted(schema: Schema, spec: Partial<Spec>): Spec {
  const known = new Set(schema.columns.map((one) => one.key));
  const usual = usualSpec(schema);
  const kept = (spec.columns ?? []).filter((one) => known.has(one.key));
  const named = new Set(kept.map((one) => one.key));
  const rest = kept.length === 0 ? usual.columns : usual.columns.filter((one) => !named.has(one.key)).map((one) => ({ ...one, hidden: true }));
  const widths = new Map(schema.columns.map((one) => [one.key, one.width]));
  const columns = [...kept, ...rest].map((one) => ({ ...one, width: one.width || widths.get(one.key) || 140 }));
  return { ...usual, ...spec, query: { ...spec.query }, columns, frozen: spec.frozen ?? 1 };
}
