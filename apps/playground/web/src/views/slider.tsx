import type { VNode } from 'preact';

export interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly least: number;
  readonly most: number;
  readonly step?: number;
  /** How the value is written; as it is unless given. */
  readonly format?: (value: number) => string;
  /** Called when the value is let go. */
  readonly onChange: (value: number) => void;
}

/** A number that is chosen by dragging or by the arrow keys, with its value beside it. */
export function Slider({ label, value, least, most, step = 1, format = String, onChange }: SliderProps): VNode {
  return (
    <label class="slider">
      <span>{label}</span>
      <input
        type="range"
        min={least}
        max={most}
        step={step}
        value={value}
        aria-valuetext={format(value)}
        onChange={({ currentTarget }) => onChange(currentTarget.valueAsNumber)}
      />
      <output>{format(value)}</output>
    </label>
  );
}
