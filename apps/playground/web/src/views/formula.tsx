import temml from 'temml';
import type { VNode } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';

export interface FormulaProps {
  /** TeX; terms inside of `\class{value-...}` can be pointed at. */
  readonly tex: string;
  /** The term that is lit, without `value-`. */
  readonly lit?: string;
  /** Called with the innermost term under the pointer, without `value-`. */
  readonly onHover?: (term: string | undefined) => void;
}

const prefix = 'value-';

/** A formula as MathML, which browsers draw and screen readers read. */
export function Formula({ tex, lit, onHover }: FormulaProps): VNode {
  const place = useRef<HTMLSpanElement>(null);
  useLayoutEffect(() => {
    if (place.current !== null) temml.render(tex, place.current, { trust: true, throwOnError: true });
  }, [tex]);
  useLayoutEffect(() => {
    for (const term of place.current?.querySelectorAll(`[class*="${prefix}"]`) ?? [])
      term.classList.toggle('lit', lit !== undefined && term.classList.contains(prefix + lit));
  }, [tex, lit]);
  const point = ({ target }: MouseEvent): void => {
    const term = target instanceof Element ? target.closest(`[class*="${prefix}"]`) : null;
    const name = [...(term?.classList ?? [])].find((name) => name.startsWith(prefix));
    onHover?.(name?.slice(prefix.length));
  };
  return <span ref={place} class="formula" onMouseOver={point} onMouseLeave={() => onHover?.(undefined)} />;
}
