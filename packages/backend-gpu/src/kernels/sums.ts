/**
 * Sums as statements of a kernel. A float32 sum of n terms that cancel is off by about sqrt(n)
 * roundings of its largest partial sum: 1e-5 for 10,000 terms within ±1. So what each addition
 * loses is computed exactly and added up beside the running sum (Neumaier, 1974; Ogita, Rump and
 * Oishi, 2005, "Sum2"): the result is that of a sum in twice the precision, rounded once.
 *
 * The lost part of t = s + x is (s - t) + x, for |s| >= |x|, which an algebra of real numbers
 * simplifies to 0. WGSL and Metal let a compiler do that, and no shader language of the web has a
 * word against it. Two things keep it from being done: which operand is the larger one is chosen at
 * run time, and `one`, which is 1, is passed as an argument, so that no compiler knows its value.
 * Contraction to a*b + c changes nothing, as products by 1 are exact. Should a compiler still
 * simplify it, the sum is a plain one; `probe` finds out.
 */

/** Declares the sum `s`, 0 so far. Other names that begin with `s` are declared too. */
export function startSum(s: string): string {
  return `let ${s} = 0.0; let ${s}c = 0.0;`;
}

/**
 * Adds the expression `term` to the sum `s`; in one block again only with another `mark`, which
 * ends the names declared.
 */
export function addTo(s: string, term: string, mark = ''): string {
  const [x, t, l, m] = ['x', 't', 'l', 'm'].map((name) => `${s}${name}${mark}`);
  return (
    `let ${x} = ${term}; let ${t} = ${s} + ${x}; let ${l} = ${s}; let ${m} = ${x}; ` +
    `if (Math.abs(${x}) > Math.abs(${s})) { ${l} = ${x}; ${m} = ${s}; } ` +
    `${s}c += (${l} - ${t} * one) * one + ${m}; ${s} = ${t};`
  );
}

/**
 * Terms that one turn of a loop reads before it adds them. The reads are on their way at once; one
 * at a time, each would wait for the sum of those before it.
 */
export const UNROLLED = 4;

/** Names of the terms of a turn, to declare and to mark what `addTo` declares. */
export function marksOf(count: number, turn: string): string[] {
  return Array.from({ length: count }, (_, i) => `${turn}${i}`);
}

/**
 * Brings what was lost back into the sum `s`, as far as it fits; what is left of it is `sc`. An
 * infinite sum or a NaN, beside which the lost part means nothing, stays as it is. Once after the
 * last term gives the sum. The lost part is a plain sum itself, so a loop of millions of terms
 * calls this at each of them.
 */
export function settleSum(s: string): string {
  return (
    `let ${s}r = ${s} + ${s}c; ` +
    `if (${s}r > -inf && ${s}r < inf) { ${s}c = ${s}c - (${s}r * one - ${s}) * one; ${s} = ${s}r; } else { ${s}c = 0.0; }`
  );
}
