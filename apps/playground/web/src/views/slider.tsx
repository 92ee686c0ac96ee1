import type { VNode } from 'preact';

export interface SliderProps {
  readonly label: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  /** How the value is written; as it is unless given. */
  readonly format?: (value: number) => string;
  /** Called while it is dragged. */
  readonly onInput?: (value: number) => void;
  /** Called when the value is let go. */
  readonly onChange?: (value: number) => void;
  /** How it is laid out; `slider` unless given. */
  readonly class?: string;
}

/** A number that is chosen by dragging or by the arrow keys, with its value beside it. */
export function Slider(props: SliderProps): VNode {
  const { label, value, min, max, step = 1, format = String, onInput, onChange } = props;
  return (
    <label class={props.class ?? 'slider'}>
      <span>{label}</span>
      <input
        type="range"
        min={min}
        max={max}
        step={step}
        value={value}
        aria-valuetext={format(value)}
        onInput={onInput && (({ currentTarget }) => onInput(currentTarget.valueAsNumber))}
        onChange={onChange && (({ currentTarget }) => onChange(currentTarget.valueAsNumber))}
      />
      <output>{format(value)}</output>
    </label>
  );
}
