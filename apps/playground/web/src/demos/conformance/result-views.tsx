import type { CaseResult, GroupSummary } from '@rnn/conformance';
import type { VNode } from 'preact';
import { conformance as texts } from '../../texts/en/conformance.ts';

/** So many failing cases are shown. */
const shownFailures = 20;

/** Counts and worst error of each group. */
export function GroupTable({ groups }: { readonly groups: readonly GroupSummary[] }): VNode {
  return (
    <div class="scrolls" tabIndex={0} role="region" aria-label={texts.groups}>
      <table>
        <thead>
          <tr>
            <th scope="col">{texts.group}</th>
            <th scope="col">{texts.passed}</th>
            <th scope="col">{texts.failed}</th>
            <th scope="col">{texts.skipped}</th>
            <th scope="col">{texts.worst}</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(({ group, passed, failed, skipped, worst }) => (
            <tr key={group} class={failed > 0 ? 'fails' : undefined}>
              <th scope="row">{group}</th>
              <td>{passed}</td>
              <td class="failed">{failed}</td>
              <td>{skipped}</td>
              <td>
                <span class="unbroken">{short(worst.error)}</span>{' '}
                <span class="unbroken">
                  {texts.allowed(worst.tolerance === 0 ? texts.exact : short(worst.tolerance))}
                </span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The first cases that failed, and why. */
export function Failures({ results }: { readonly results: readonly CaseResult[] }): VNode | null {
  const failures = results.filter(({ status }) => status === 'failed');
  if (failures.length === 0) return null;
  return (
    <>
      <h3>{texts.failures}</h3>
      <ul class="failures">
        {failures.slice(0, shownFailures).map(({ group, name, reason }) => (
          <li key={`${group} ${name}`}>
            <strong>
              {group}: {name}
            </strong>
            <br />
            {reason}
          </li>
        ))}
      </ul>
      {failures.length > shownFailures && <p>{texts.more(failures.length - shownFailures)}</p>}
    </>
  );
}

/** Why cases were skipped, with how many. */
export function Skips({ results }: { readonly results: readonly CaseResult[] }): VNode | null {
  const reasons = new Map<string, number>();
  for (const { status, reason = '' } of results)
    if (status === 'skipped') reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  if (reasons.size === 0) return null;
  return (
    <>
      <h3>{texts.skips}</h3>
      <p>{texts.skipsWhat}</p>
      <ul>
        {[...reasons].map(([reason, count]) => (
          <li key={reason}>{texts.reason(count, reason)}</li>
        ))}
      </ul>
    </>
  );
}

function short(value: number): string {
  return value === 0 ? '0' : Number.isFinite(value) ? value.toExponential(1) : String(value);
}
