import type { VNode } from 'preact';
import { cell as texts } from '../../texts/en/cell.ts';
import type { Element, Inspector } from './inspect.ts';

export interface ZoomProps {
  readonly inspector: Inspector;
  /** From the number that was chosen to the one that is looked at. */
  readonly path: readonly Element[];
  readonly time: number;
  readonly onPath: (path: readonly Element[]) => void;
}

const written = (value: number): string => value.toFixed(4);

/** What a number was made of: the products that add up to it, or the function of which numbers. */
export function Zoom({ inspector, path, time, onPath }: ZoomProps): VNode {
  const chosen = path.at(-1);
  if (chosen === undefined) return <p class="quiet">{texts.zoomHint}</p>;
  const element = inspector.element(chosen.of, chosen.index, time);
  const origin = inspector.origin(element, time);
  const deeper = (to: Element): VNode => (
    <button type="button" class="number" disabled={to.of.kind === 'number'} onClick={() => onPath([...path, to])}>
      <span class="quiet">{texts.at(to.of.label, to.index)}</span> {written(to.value)}
    </button>
  );
  return (
    <div class="zoom" aria-live="polite">
      <p class="zoom-head">
        {path.length > 1 && (
          <button type="button" onClick={() => onPath(path.slice(0, -1))}>
            {texts.back}
          </button>
        )}{' '}
        <code>
          {texts.at(element.of.label, element.index)} = {written(element.value)}
        </code>
      </p>
      {origin.kind === 'given' && (
        <p>
          {element.of.kind === 'weight'
            ? texts.givenWeight
            : element.of.kind === 'input'
              ? texts.givenInput
              : texts.givenState}
        </p>
      )}
      {origin.kind === 'products' && (
        <table class="products">
          <tbody>
            {origin.terms.map(({ weight, input, product }, i) => (
              <tr key={i}>
                <td>{deeper(weight)}</td>
                <td>×</td>
                <td>{deeper(input)}</td>
                <td>=</td>
                <td class="product">{written(product)}</td>
              </tr>
            ))}
            {origin.bias !== undefined && (
              <tr>
                <td colSpan={4}>+ {deeper(origin.bias)}</td>
                <td class="product">{written(origin.bias.value)}</td>
              </tr>
            )}
            <tr class="total">
              <th scope="row" colSpan={4}>
                {texts.sum}
              </th>
              <td class="product">{written(element.value)}</td>
            </tr>
          </tbody>
        </table>
      )}
      {origin.kind === 'function' && (
        <p class="made">
          <code>{origin.name}</code>{' '}
          {origin.from.map((part, i) => (
            <span key={i}>
              {deeper(part)}
              {i < origin.from.length - 1 ? ', ' : ''}
            </span>
          ))}{' '}
          = <code>{written(element.value)}</code>
        </p>
      )}
    </div>
  );
}
