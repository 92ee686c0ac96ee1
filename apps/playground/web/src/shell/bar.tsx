import { useSignal } from '@preact/signals';
import type { VNode } from 'preact';
import { shell } from '../texts/en/shell.ts';
import { backend, seed } from './address.ts';
import { CopyLink } from './copy-link.tsx';
import { backendNames, device, deviceNotice, pending, rates, unavailable } from './device.ts';
import { dropNotice } from './drop.ts';
import { ErrorNotice } from './error-notice.tsx';
import { Icon } from './icon.tsx';
import { chooseBackend, openRun } from './run.ts';

/** What works the run of any demo; it stays in view while one scrolls. */
export function Bar(): VNode {
  const run = openRun.value;
  const progress = run?.progress.value;
  const isPlaying = progress?.playing ?? false;
  const error = run?.error.value;
  return (
    <section class="bar" aria-label={shell.bar}>
      {run?.without?.backend === undefined ? (
        <Backends current={progress?.backend ?? backend.value} />
      ) : (
        <p class="backends fixed">{run.without.backend}</p>
      )}
      <div class="run">
        <button
          type="button"
          class="primary play"
          disabled={run === undefined}
          onClick={() => void (isPlaying ? run?.pause() : run?.play())}
        >
          <Icon name={isPlaying ? 'pause' : 'play'} />
          {isPlaying ? shell.pause : shell.play}
        </button>
        <button
          type="button"
          class="icon"
          disabled={run?.stepOnce === undefined || isPlaying}
          aria-label={shell.step}
          title={shell.step}
          onClick={() => void run?.stepOnce?.()}
        >
          <Icon name="step" />
        </button>
        <button
          type="button"
          class="icon"
          disabled={run === undefined}
          aria-label={shell.reset}
          title={shell.reset}
          onClick={() => void run?.reset()}
        >
          <Icon name="reset" />
        </button>
        <Seed reason={run?.without?.seed} />
        <CopyLink />
        <output class="step-count" data-loss={progress?.loss}>
          {run === undefined
            ? shell.nothingRuns
            : progress === undefined
              ? shell.starting
              : shell.stepOf(progress.step)}
        </output>
      </div>
      {deviceNotice.value !== undefined && (
        <p class="notice" role="status">
          {deviceNotice.value}
        </p>
      )}
      {dropNotice.value !== undefined && (
        <p class="notice" role="status">
          {dropNotice.value}
        </p>
      )}
      {device.value?.name === 'wasm' && !globalThis.crossOriginIsolated && progress?.backend === 'wasm' && (
        <p class="quiet small">{shell.oneThread}</p>
      )}
      {error !== undefined && (
        <ErrorNotice message={`${shell.stopped} ${error}`} action={shell.reset} onAction={() => void run?.reset()} />
      )}
    </section>
  );
}

function Backends({ current }: { readonly current: string }): VNode {
  return (
    <fieldset class="backends">
      <legend class="hidden">{shell.backend}</legend>
      {backendNames.map((name) => {
        const rate = rates.value[name];
        const state =
          pending.value === name
            ? shell.starts
            : name in unavailable.value
              ? shell.notAvailable
              : rate === undefined
                ? '–'
                : shell.perSecond(rate);
        const isChosen = name === (pending.value ?? current);
        return (
          <label key={name} class={`backend ${name}`} title={unavailable.value[name] ?? shell.backends[name]}>
            <input
              type="radio"
              name="backend"
              value={name}
              checked={isChosen}
              onChange={() => void chooseBackend(name)}
            />
            <span class="name">{name}</span> <span class="rate">{state}</span>
          </label>
        );
      })}
    </fieldset>
  );
}

function Seed({ reason }: { readonly reason: string | undefined }): VNode {
  const text = useSignal<string | undefined>(undefined);
  return (
    <label class="seed" title={reason}>
      {shell.seed}
      <input
        type="number"
        disabled={reason !== undefined}
        min={0}
        max={4_294_967_295}
        step={1}
        value={text.value ?? seed.value}
        onInput={(event) => (text.value = event.currentTarget.value)}
        onChange={(event) => {
          const { valueAsNumber, validity } = event.currentTarget;
          text.value = undefined;
          if (validity.valid && Number.isInteger(valueAsNumber)) seed.value = valueAsNumber;
          else event.currentTarget.value = String(seed.value);
        }}
      />
    </label>
  );
}
