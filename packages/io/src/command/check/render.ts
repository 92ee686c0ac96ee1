/** Findings as text, or as JSON. */
import { shown } from '../listing.js';
import { wrapped } from '../wrapped.js';
import { passes, type Finding, type Report, type Verdict } from './finding.js';

const colours: Readonly<Record<Verdict, string>> = { keep: '32', change: '33', refuse: '31', wrong: '31' };
const order: readonly Verdict[] = ['wrong', 'refuse', 'change', 'keep'];
const widest = Math.max(...order.map((verdict) => verdict.length));

/**
 * What was found, the worst first: a line for each finding.
 *
 * @param isColoured - for a terminal
 * @param columns - of that terminal
 */
export function rendered(report: Report, isStrict: boolean, isColoured: boolean, columns: number = Infinity): string {
  const paint = (code: string, text: string): string => (isColoured ? `\u001b[${code}m${text}\u001b[0m` : text);
  const { file, summary, findings } = report;
  const line = ({ verdict, by, where, what }: Finding): string => {
    const place = where === undefined ? '' : `${shown(where)}: `;
    const indent = ' '.repeat(widest + 2);
    const text = wrapped(`${by}: ${place}${shown(what)}`, columns - indent.length).replaceAll('\n', `\n${indent}`);
    return `${paint(colours[verdict], verdict.padEnd(widest))}  ${paint('1', by)}${text.slice(by.length)}`;
  };
  const sorted = order.flatMap((verdict) => findings.filter((finding) => finding.verdict === verdict));
  const counts = order.flatMap((verdict) => {
    const count = findings.filter((finding) => finding.verdict === verdict).length;
    return count === 0 ? [] : [`${count} ${verdict}`];
  });
  const end = passes(report, isStrict) ? paint('32', 'passes') : paint('31', 'does not pass');
  return [
    `${file}: ${shown(summary)}`,
    '',
    ...sorted.map(line),
    '',
    `${end}: ${counts.join(', ') || 'nothing found'}`,
  ].join('\n');
}

/** The same for programs. */
export function renderedJson(report: Report, isStrict: boolean): string {
  const { file, summary, findings } = report;
  return JSON.stringify({ file, summary, passes: passes(report, isStrict), findings }, undefined, 2);
}
