import type { VNode } from 'preact';
import { backends as texts } from '../../texts/en/backends.ts';
import { agreementOf, comparedSteps, toleranceOf } from './agreement.ts';
import type { Lane } from './race.ts';

/** The losses of the backends that race, and how far they are from those of the first. */
export function AgreementTable({ lanes }: { readonly lanes: readonly Lane[] }): VNode {
  const racing = lanes.filter(({ state }) => state !== 'unavailable');
  const reference = racing.find(({ losses }) => losses.length > 0);
  return (
    <section class="card agreement">
      <h3>{texts.agreement}</h3>
      <p class="quiet small">{texts.agreementWhat(comparedSteps)}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{texts.backend}</th>
            <th scope="col">{texts.lossesAt(comparedSteps)}</th>
            <th scope="col">{texts.difference}</th>
            <th scope="col">{texts.verdict}</th>
          </tr>
        </thead>
        <tbody>
          {lanes.map((lane) => (
            <Row key={lane.name} lane={lane} reference={reference} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ lane, reference }: { readonly lane: Lane; readonly reference: Lane | undefined }): VNode {
  const { name, losses, info, state } = lane;
  const agreement =
    info === undefined || reference === undefined || lane === reference
      ? undefined
      : agreementOf(losses, reference.losses, toleranceOf(info));
  const comparison =
    lane === reference
      ? [texts.pending, texts.reference]
      : agreement === undefined
        ? [texts.pending, state === 'unavailable' ? texts.states.unavailable : texts.pending]
        : [
            texts.differenceOf(agreement.difference, agreement.tolerance),
            (agreement.agrees ? texts.agrees : texts.differs)(agreement.steps),
          ];
  return (
    <tr class={name}>
      <th scope="row">{name}</th>
      <td>{[losses[0], losses[comparedSteps - 1]].map((loss) => loss?.toFixed(7) ?? texts.pending).join(' → ')}</td>
      {comparison.map((text, i) => (
        <td key={i} class={i === 1 && agreement !== undefined ? (agreement.agrees ? 'good' : 'bad') : undefined}>
          {text}
        </td>
      ))}
    </tr>
  );
}
